package lookup_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/lookup"
)

func TestACursorIsTakenAsItWasGivenOnly(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		"no base64":            "§",
		"nothing that is one":  encode([]byte("x")),
		"of no app":            encode([]byte("q ../../x 0 0")),
		"of no source":         encode([]byte("q ops 13 0")),
		"before the beginning": encode([]byte("q ops 0 -1")),
		"without an offset":    encode([]byte("q ops 0")),
		"of no time":           encode([]byte("r now ops-1")),
		"written otherwise":    encode([]byte("r +1 ops-1")),
		"too long":             encode([]byte("r 1 " + strings.Repeat("x", 300))),
	} {
		if c, err := lookup.ParseCursor(text); !errors.Is(err, lookup.ErrCursor) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	for _, text := range []string{"", encode([]byte("q ops 11 7")), encode([]byte("r 1790000000000 ops-1"))} {
		if c, err := lookup.ParseCursor(text); err != nil || c.String() != text {
			t.Errorf("%q became %q, %v", text, c, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, text := range []string{"", "q ops 11 7", "r 1790000000000 ops-1", "r 0 "} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := lookup.ParseCursor(text); err == nil && c.String() != text {
			t.Errorf("%q became %q", text, c)
		}
	})
}
