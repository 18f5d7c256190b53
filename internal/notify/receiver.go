package notify

import (
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Receiver is notified of the messages of an app.
type Receiver struct {
	App string
	// Token is the name of the token whose messages it is notified of, "" for all of the app.
	Token string
	// URL receives the notifications; it may contain a password.
	URL wecom.Secret
	// Secret signs them: whsec_ and 24 to 64 bytes in base64.
	Secret wecom.Secret
	// Internal allows addresses that are not public.
	Internal bool
}

// name identifies a receiver of an app in Redis.
func (r Receiver) name() string {
	if r.Token == "" {
		return "app"
	}
	return "token " + r.Token
}

// wants reports whether the receiver is notified of a message: one that its token sent, or that came from a
// webhook delivered with it.
func (r Receiver) wants(record tasks.Record) bool {
	return r.Token == "" || r.Token == record.Actor || tasks.WebhookActor(r.Token) == record.Actor
}
