package tasks

// DigestActor is the actor of digests, which combine several webhooks, and of webhooks whose token is
// unknown.
const DigestActor = "webhook"

// WebhookActor is the actor of messages from webhooks delivered with a token, so that the webhooks of one
// token do not hold up those of another.
func WebhookActor(token string) string { return DigestActor + "/" + token }
