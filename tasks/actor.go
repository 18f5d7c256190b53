package tasks

// DigestActor is who sends digests, which are of several webhooks, and what has come by
// webhook from a token that is not known.
const DigestActor = "webhook"

// WebhookActor is who sends what has come of the webhooks that a token delivers: the webhooks
// of one do not hold up those of another.
func WebhookActor(token string) string { return DigestActor + "/" + token }
