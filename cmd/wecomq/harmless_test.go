package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// steering is untrusted text that would clear a terminal, and change the writing direction.
const steering = "a\u202eb\u009b2J\u2066c"

func TestWhatOthersWriteDoesNotSteerWhoeverReadsTheLog(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "console"} {
		var out bytes.Buffer
		log := (&globals{environment: environment{stderr: &out}}).logger("info", format)
		log.Info().Str("path", "/v1/"+steering+"\x1b[2J").AnErr("error", errors.New(steering)).Msg("request")
		if text := out.String(); strings.ContainsAny(text, "\u202e\u009b\u2066") || strings.Contains(text, "\x1b[2J") || !strings.Contains(text, "/v1/") {
			t.Errorf("%s: %q", format, text)
		}
	}
}
