package intake

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/problem"
)

// plainKinds are the default content types of clients for JSON: curl declares a form, and a browser a text.
var plainKinds = []string{"", "application/json", "text/json", "application/x-www-form-urlencoded", "text/plain"}

// CheckKind rejects a body whose content type is neither JSON nor one of the others.
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
