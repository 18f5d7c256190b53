package wecom

// Scope says what a failure concerns: one message, or all of the app's. It is a
// column of the table of errcodes beside the [Class], because faults of the settings
// (ClassConfig) are of both kinds: an app that may not send mini program notices sends
// its alerts all the same.
type Scope uint8

// The scopes; 0 is that of a code this package does not know.
const (
	ScopeMessage Scope = iota + 1 // messages like this one; others go on
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
