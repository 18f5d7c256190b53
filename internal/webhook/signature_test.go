package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// sign computes Grafana's signature.
func sign(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	body := string(sample(t, "grafana_webhook.json"))
	now, old := strconv.FormatInt(time.Now().Unix(), 10), strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	tests := map[string]struct {
		signature, timestamp string
		want                 int
	}{
		"of the body are good":                   {sign("s3cret", body), "", http.StatusAccepted},
		"of time and body are good":              {sign("s3cret", now+":"+body), now, http.StatusAccepted},
		"that are missing are not":               {"", "", http.StatusUnauthorized},
		"that are no hexadecimal are not":        {"zz", "", http.StatusUnauthorized},
		"with another secret are not":            {sign("other", body), "", http.StatusUnauthorized},
		"of another body are not":                {sign("s3cret", body+" "), "", http.StatusUnauthorized},
		"without their time are not":             {sign("s3cret", now+":"+body), "", http.StatusUnauthorized},
		"with a time that is not signed are not": {sign("s3cret", body), now, http.StatusUnauthorized},
		"of an hour ago are not":                 {sign("s3cret", old+":"+body), old, http.StatusUnauthorized},
		"of no time at all are not":              {sign("s3cret", "x:"+body), "x", http.StatusUnauthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.Grafana.Secret = "s3cret"
			b := newBundle(t, cfg)
			header := http.Header{}
			if tt.signature != "" {
				header.Set("X-Grafana-Alerting-Signature", tt.signature)
			}
			if tt.timestamp != "" {
				header.Set("X-Grafana-Alerting-Timestamp", tt.timestamp)
			}
			if got := b.post(t, "grafana", "to_user=alice", body, header); got.status != tt.want {
				t.Errorf("status %d, want %d: %s", got.status, tt.want, got.body)
			}
		})
	}
}
