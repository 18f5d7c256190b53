package config

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/wecom"
)

// Notify configures the recipient of notifications about messages.
type Notify struct {
	// URL receives the notifications by POST; it may contain a password. "" for none.
	URL wecom.Secret
	// Secret signs them; it is whsec_ and base64 (Standard Webhooks).
	Secret wecom.Secret
	// Internal allows addresses that are not public.
	Internal bool
}

// The size of a secret, in bytes, according to Standard Webhooks.
const (
	leastNotifySecret = 24
	mostNotifySecret  = 64
)

const howToMakeSecret = `printf 'whsec_%s\n' "$(openssl rand -base64 32)"` //nolint:gosec // no secret: how to make one

func readNotify(s *section) Notify {
	n := Notify{
		URL:      optional(s, "notify_url", "", pageURL),
		Secret:   optional(s, "notify_secret", "", notifySecret),
		Internal: s.oneOf("notify_internal", "false", "true", "false") == "true",
	}
	s.holdsSecret = s.holdsSecret || (n.Secret != "" && s.literal("notify_secret"))
	switch {
	case s.has("notify_url") && !s.has("notify_secret"):
		s.fail(s.beside("notify_url", "notify_secret"), "missing (it signs what goes to notify_url; make one: %s)", howToMakeSecret)
	case s.has("notify_secret") && !s.has("notify_url"):
		s.fail(s.beside("notify_secret", "notify_url"), "missing (notify_secret is for it)")
	}
	return n
}

// beside is the place to report a missing key that another key requires.
func (s *section) beside(given, missing string) place {
	at := s.at(given)
	if e, inFile := s.entries[given+fileSuffix]; inFile {
		at = e.place
	}
	return place{line: at.line, field: s.path(missing)}
}

// has reports whether a key, or the file with its value, is given.
func (s *section) has(key string) bool {
	_, given := s.entries[key]
	_, inFile := s.entries[key+fileSuffix]
	return given || inFile
}

// notifySecret accepts a secret of Standard Webhooks. Its errors do not show it.
func notifySecret(text string) (wecom.Secret, error) {
	encoded, found := strings.CutPrefix(text, "whsec_")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(raw) < leastNotifySecret || len(raw) > mostNotifySecret {
		return "", fmt.Errorf("not whsec_ and %d to %d bytes in base64 (make one: %s)", leastNotifySecret, mostNotifySecret, howToMakeSecret)
	}
	return wecom.Secret(text), nil
}
