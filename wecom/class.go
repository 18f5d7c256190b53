package wecom

// Class is what an answer of WeCom means for the message and for the app. Every [Code] has exactly one class;
// see [Code.Class] and [ClassOf].
type Class uint8

// The classes. Their order has no meaning.
const (
	// ClassOther is a code that this package does not know, or one unrelated to messaging: the request failed
	// for good, and retrying is useless.
	ClassOther Class = iota
	// ClassOK is errcode 0: WeCom accepted the message. The same reply lists the recipients that it refused.
	ClassOK
	// ClassTransient is a temporary fault at WeCom; nothing was sent.
	ClassTransient
	// ClassUnreachable is a call that did not reach WeCom: no address, no connection, or a gettoken or an
	// upload without an answer. No message was sent.
	ClassUnreachable
	// ClassUnknownOutcome is a call whose answer was lost: WeCom may or may not have processed it.
	ClassUnknownOutcome
	// ClassRate is the frequency limit; the whole app (or IP) is blocked for a while.
	ClassRate
	// ClassConcurrency is too many calls in flight; it is over in a second or two.
	ClassConcurrency
	// ClassToken is an access token that WeCom no longer accepts.
	ClassToken
	// ClassMedia is a media_id that expired or has the wrong type.
	ClassMedia
	// ClassRecipient is a message of which no recipient can be reached.
	ClassRecipient
	// ClassContent is a message that WeCom will never accept as it is.
	ClassContent
	// ClassConfig is an error in the app's settings or permissions that an administrator has to fix;
	// [Code.Scope] says whether it stops the whole app.
	ClassConfig
)

var classNames = [...]string{
	ClassOther:          "other",
	ClassOK:             "ok",
	ClassTransient:      "transient",
	ClassUnreachable:    "unreachable",
	ClassUnknownOutcome: "unknown_outcome",
	ClassRate:           "rate",
	ClassConcurrency:    "concurrency",
	ClassToken:          "token",
	ClassMedia:          "media",
	ClassRecipient:      "recipient",
	ClassContent:        "content",
	ClassConfig:         "config",
}

// String is the class's name in logs, records and on the command line.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "other"
}
