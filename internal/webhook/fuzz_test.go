package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

// FuzzParseQuery proves that an address names recipients that can exist at WeCom, or is rejected.
func FuzzParseQuery(f *testing.F) {
	for _, text := range []string{
		"", "to_user=a,b|c&to_party=2&to_tag=3", "to_user=@all", "to_user=%20a%20,,|&to_user=b", "to_user=张三", "to_party=x",
		"type=html", "type=text&priority=bulk", "priority=p1", "to_user=a;b", "%zz", "to_user=%00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, _ := url.ParseQuery(text) // as net/http does, which keeps the valid parts
		q, err := webhook.ParseQuery(values)
		if err != nil {
			return
		}
		if q.To.Count() > 0 && webhook.ValidateRecipients(q.To) != nil {
			t.Errorf("%q names %+v", text, q.To)
		}
		if q.Type != "" && !slices.Contains(webhook.Types(), q.Type) || q.Priority != "" && q.Priority.Validate() != nil {
			t.Errorf("%q has the type %q and the priority %q", text, q.Type, q.Priority)
		}
	})
}

// FuzzSource proves that any input of a source is rejected, or becomes messages that WeCom accepts and that open
// no tag, and that equal bytes are one alert.
func FuzzSource(f *testing.F) {
	cfg := withPresets(f)
	cfg.Sources["any"] = webhook.Mapping{}
	sources, renderer := newSources(f, cfg), newRenderer(f, cfg)
	for i, source := range cfg.SourceNames() {
		if presets := webhook.Presets(); slices.Contains(presets, string(source)) {
			for _, name := range samplesOf(f, string(source)) {
				f.Add(uint8(i), sample(f, "sources/"+name+".json"))
			}
		}
		for _, body := range []string{`{}`, `[{}, 1, "a", null]`, `{"a": {"b": [1, {"c": "<a href=x>"}]}}`, `"\ud800\u0000"`, `{"name": {"a": 1}, "heartbeat": 1, "build": [], "data": "x"}`} {
			f.Add(uint8(i), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		if _, err := webhook.SourceBounds.Check(body); err != nil || len(body) > 64<<10 {
			return
		}
		source := cfg.SourceNames()[int(which)%len(cfg.SourceNames())]
		report, err := sources.Parse(source, body)
		if err != nil {
			return
		}
		again, _ := sources.Parse(source, body)
		for i, n := range report.Notifications {
			if n.GroupKey != again.Notifications[i].GroupKey {
				t.Errorf("the keys %q and %q for equal bytes", n.GroupKey, again.Notifications[i].GroupKey)
			}
			if i >= 3 {
				continue
			}
			for _, kind := range webhook.Types() {
				rendered, err := renderer.RenderStrictly(n, kind)
				if kind == message.TypeTextCard || kind == message.TypeTemplateCard {
					rendered, err = renderer.Render(n, kind) // without an address it is markdown
				}
				if err != nil {
					t.Fatalf("%s as %s: %v", source, kind, err)
				}
				if text := textOf(rendered.Request); source == "any" && kind == message.TypeText && strings.Contains(text, "<a") {
					t.Errorf("it opens a tag: %s", text)
				}
			}
		}
	})
}

// FuzzSignature proves that nothing passes except what Grafana has signed recently.
func FuzzSignature(f *testing.F) {
	const now = 1_800_000_000
	sign := func(timestamp, body string) string {
		mac := hmac.New(sha256.New, []byte("secret"))
		if timestamp != "" {
			mac.Write([]byte(timestamp + ":"))
		}
		mac.Write([]byte(body))
		return hex.EncodeToString(mac.Sum(nil))
	}
	f.Add(sign("", "{}"), "", []byte("{}"))
	f.Add(sign("1800000000", "{}"), "1800000000", []byte("{}"))
	f.Add(sign("1", "{}"), "1", []byte("{}"))
	f.Add(sign("-9223372036854775808", ""), "-9223372036854775808", []byte(""))
	f.Add("", "", []byte("{}"))
	f.Add("zz", "x", []byte(nil))
	cfg := webhook.DefaultConfig().Grafana
	cfg.Secret = "secret"
	f.Fuzz(func(t *testing.T, signature, timestamp string, body []byte) {
		header := http.Header{}
		header.Set(cfg.Header, signature)
		header.Set(cfg.TimestampHeader, timestamp)
		if cfg.Verify(header, body, time.Unix(now, 0)) != nil {
			return
		}
		given, err := hex.DecodeString(signature)
		want, _ := hex.DecodeString(sign(timestamp, string(body)))
		if err != nil || !bytes.Equal(given, want) {
			t.Errorf("%q passes for %q at %q", signature, body, timestamp)
		}
		if seconds, err := strconv.ParseInt(timestamp, 10, 64); timestamp != "" && (err != nil || seconds < now-300 || seconds > now+300) {
			t.Errorf("a signature of %q passes", timestamp)
		}
	})
}
