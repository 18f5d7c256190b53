package wecom

// Scope says whether a failure concerns one message or the whole app. It is separate from the [Class] because
// configuration errors (ClassConfig) may be either: an app that may not send mini program notices can still
// send alerts.
type Scope uint8

// The scopes; 0 is an unknown code.
const (
	ScopeMessage Scope = iota + 1 // messages of this kind; others are sent
	ScopeApp                      // every message of the app, until it is fixed
)

// String is "message" or "app", "" for none.
func (s Scope) String() string {
	switch s {
	case ScopeMessage:
		return "message"
	case ScopeApp:
		return "app"
	}
	return ""
}
