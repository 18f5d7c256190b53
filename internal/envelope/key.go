package envelope

import (
	"fmt"
	"regexp"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// keyPattern matches values that fit into a header: visible ASCII, with spaces inside.
var keyPattern = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)

// ValidateKey rejects an idempotency key that is empty, or does not fit into a header and a log, with a
// [*message.ValidationError].
func ValidateKey(key string) error {
	problem := keyProblem(key)
	if problem == "" {
		return nil
	}
	return &message.ValidationError{Fields: []message.FieldError{{Field: keyMember, Problem: problem}}}
}

// keyProblem returns the fault of an idempotency key, "" if there is none.
func keyProblem(key string) string {
	switch {
	case key == "":
		return "empty; leave it out, or set one that is different for every message"
	case len(key) > tasks.MaxKeyBytes:
		return fmt.Sprintf("%d bytes, at most %d", len(key), tasks.MaxKeyBytes)
	case !keyPattern.MatchString(key):
		return "want visible ASCII characters"
	}
	return ""
}
