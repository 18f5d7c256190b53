package intake

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/problem"
)

// plainKinds are what clients call JSON that they were not told to call anything: curl says
// that all is a form, and a browser that it is a text.
var plainKinds = []string{"", "application/json", "text/json", "application/x-www-form-urlencoded", "text/plain"}

// CheckKind refuses a body that says it is not JSON, nor of one of the other kinds.
func CheckKind(contentType string, others ...string) error {
	kind, _, err := mime.ParseMediaType(contentType)
	if contentType != "" && err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		kind = contentType
	}
	if slices.Contains(plainKinds, kind) || strings.HasSuffix(kind, "+json") || slices.Contains(others, kind) {
		return nil
	}
	taken := append([]string{"application/json"}, others[:min(1, len(others))]...)
	return fmt.Errorf("%w: Content-Type %.80q; send %s", problem.ErrMediaType, contentType, strings.Join(taken, " or "))
}
