package notify

import (
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Receiver is who is told of the messages of an app.
type Receiver struct {
	App string
	// Token is the name of the token whose messages it is told of, "" for all of the app.
	Token string
	// URL gets the notifications; it may hold a password.
	URL wecom.Secret
	// Secret signs them: whsec_ and 24 to 64 bytes in base64.
	Secret wecom.Secret
	// Internal allows addresses that are not public.
	Internal bool
}

// name tells the receivers of an app apart in Redis.
func (r Receiver) name() string {
	if r.Token == "" {
		return "app"
	}
	return "token " + r.Token
}

// wants reports whether the receiver is told of a message: what its token has sent, or what
// has come of the webhooks that it delivered.
func (r Receiver) wants(record tasks.Record) bool {
	return r.Token == "" || r.Token == record.Actor || tasks.WebhookActor(r.Token) == record.Actor
}
