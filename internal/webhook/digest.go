package webhook

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// stream identifies the digests with one threshold: a member has one for each.
func (d Digest) stream() string {
	if d.After == 0 {
		return ""
	}
	return strconv.Itoa(d.After) + "/" + strconv.FormatInt(d.Window.Milliseconds(), 10)
}

func parseStream(stream string) (Digest, error) {
	after, window, _ := strings.Cut(stream, "/")
	n, err := strconv.Atoi(after)
	ms, windowErr := strconv.ParseInt(window, 10, 64)
	if err = errors.Join(err, windowErr); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", stream, err)
	}
	return Digest{After: n, Window: time.Duration(ms) * time.Millisecond}, nil
}
