package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// Signature configures how Grafana's webhooks are authenticated.
type Signature struct {
	// Secret is that of the contact point; if empty, nothing is checked.
	Secret wecom.Secret
	// Header holds the signature.
	Header string
	// TimestampHeader holds the time of signing in Unix seconds, if the contact point is configured to send it.
	TimestampHeader string
	// MaxAge is how far that time may be off, in either direction.
	MaxAge time.Duration
}

// Verify checks the signature of a body: the HMAC-SHA256, in hexadecimal digits, of
// the body, or with a timestamp of "<timestamp>:<body>". Removing the timestamp
// invalidates the signature.
func (s Signature) Verify(header http.Header, body []byte, now time.Time) error {
	if s.Secret == "" {
		return nil
	}
	given, err := hex.DecodeString(header.Get(s.Header))
	if err != nil || len(given) == 0 {
		return fmt.Errorf("header %s: missing or not hexadecimal; set the HMAC secret in Grafana's contact point", s.Header)
	}
	mac := hmac.New(sha256.New, []byte(s.Secret))
	timestamp := header.Get(s.TimestampHeader)
	if timestamp != "" {
		mac.Write([]byte(timestamp + ":"))
	}
	mac.Write(body)
	if !hmac.Equal(given, mac.Sum(nil)) {
		return fmt.Errorf("header %s: not the signature of this body; the secrets here and in Grafana differ, or the header of the timestamp does (%s)", s.Header, s.TimestampHeader)
	}
	return s.fresh(timestamp, now)
}

// fresh rejects replayed webhooks.
func (s Signature) fresh(timestamp string, now time.Time) error {
	if timestamp == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("header " + s.TimestampHeader + ": not a Unix time in seconds")
	}
	if age := now.Sub(time.Unix(seconds, 0)).Abs(); age > s.MaxAge {
		return fmt.Errorf("header %s: %s away from this host's clock, at most %s; compare the clocks", s.TimestampHeader, age.Round(time.Second), s.MaxAge)
	}
	return nil
}
