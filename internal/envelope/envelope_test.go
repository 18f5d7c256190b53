package envelope_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const hello = `{"touser":"chen.li","msgtype":"text","text":{"content":"a < b & c > d"}}`

// with is that message with more members.
func with(members string) string { return strings.TrimSuffix(hello, "}") + "," + members + "}" }

func TestMembersOfOursAreTakenOut(t *testing.T) {
	t.Parallel()
	request, err := message.Parse([]byte(hello))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 12, 1, 1, 3, 0, 500_000_000, time.UTC)
	defaults := tasks.Options{Priority: tasks.Bulk, Delay: time.Minute, ExpiresIn: time.Hour, IdempotencyKey: "default"}
	tests := map[string]struct {
		text string
		app  string
		want tasks.Options
	}{
		"none":              {hello, "", defaults},
		"all that are null": {with(`"app":null,"priority":null,"process_at":null,"expires_in":null,"idempotency_key":null`), "", defaults},
		"empty ones":        {with(`"app":"","priority":"","process_at":"","expires_in":""`), "", defaults},
		"an app":            {with(`"app":"ops"`), "ops", defaults},
		"a priority": {with(`"priority":"critical"`), "", tasks.Options{
			Priority: tasks.Critical, Delay: time.Minute, ExpiresIn: time.Hour, IdempotencyKey: "default",
		}},
		"a time instead of the delay": {with(`"process_at":"2026-12-01T09:03:00.5+08:00"`), "", tasks.Options{
			Priority: tasks.Bulk, At: at, ExpiresIn: time.Hour, IdempotencyKey: "default",
		}},
		"a deadline": {with(`"expires_in":"90s"`), "", tasks.Options{
			Priority: tasks.Bulk, Delay: time.Minute, ExpiresIn: 90 * time.Second, IdempotencyKey: "default",
		}},
		"a key": {with(`"idempotency_key":"build 4812"`), "", tasks.Options{
			Priority: tasks.Bulk, Delay: time.Minute, ExpiresIn: time.Hour, IdempotencyKey: "build 4812",
		}},
		"the last of two": {with(`"priority":"critical","priority":"default"`), "", tasks.Options{
			Priority: tasks.Default, Delay: time.Minute, ExpiresIn: time.Hour, IdempotencyKey: "default",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := envelope.Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			m, err := e.Message(defaults)
			if err != nil || e.App != tt.app {
				t.Fatalf("app %q, want %q; error %v", e.App, tt.app, err)
			}
			if diff := cmp.Diff(tasks.Message{Request: request, Options: tt.want}, m); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsAreToldByField(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text     string
		defaults tasks.Options
		want     string
	}{
		"all of ours": {
			with(`"idempotency_key":"","expires_in":"soon","process_at":"tomorrow","priority":"high"`),
			tasks.Options{},
			`priority: "high" is not one of critical, default, bulk; ` +
				`process_at: "tomorrow" is not a time such as 2026-01-02T15:04:05+08:00; ` +
				`expires_in: "soon" is not a duration such as "90s" or "1h"; ` +
				`idempotency_key: empty; leave it out, or set one that is different for every message`,
		},
		"no strings": {
			with(`"app":{},"priority":1,"process_at":[],"expires_in":3,"idempotency_key":true`),
			tasks.Options{},
			"app: want a string; priority: want a string; process_at: want a string; expires_in: want a string; idempotency_key: want a string",
		},
		"ours, and WeCom's": {
			with(`"expires_in":"0s","titel":"x"`),
			tasks.Options{},
			`expires_in: "0s" is not a duration such as "90s" or "1h"; titel: unknown field (allow_unknown passes it on)`,
		},
		"a slip in one of ours": {
			with(`"prioritty":"bulk","process_att":"x","titel":"x"`),
			tasks.Options{},
			`prioritty: unknown field; did you mean "priority"? (allow_unknown passes it on); ` +
				`process_att: unknown field; did you mean "process_at"? (allow_unknown passes it on); ` +
				`titel: unknown field (allow_unknown passes it on)`,
		},
		"a long key":        {with(`"idempotency_key":"` + strings.Repeat("k", 256) + `"`), tasks.Options{}, "idempotency_key: 256 bytes, at most 255"},
		"a key that hides":  {with(`"idempotency_key":"部署"`), tasks.Options{}, "idempotency_key: want visible ASCII characters"},
		"a default key":     {hello, tasks.Options{IdempotencyKey: " k"}, "idempotency_key: want visible ASCII characters"},
		"no message at all": {`{"priority":"bulk"}`, tasks.Options{}, "msgtype: missing; want one of " + fmt.Sprint(message.Types())},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := envelope.Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.Message(tt.defaults)
			if _, ok := errors.AsType[*message.ValidationError](err); !ok {
				t.Fatalf("%T %v, want a ValidationError", err, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"nothing":          {"", "parse message: the body is not JSON: line 1, byte 0: unexpected end of JSON input"},
		"null":             {"null", "parse message: the body is null, want an object"},
		"a list":           {"[]", "parse message: the body is an array, want an object"},
		"broken JSON":      {`{"priority":"bulk",}`, "parse message: the body is not JSON: line 1, byte 20: "},
		"too much":         {`{"x":"` + strings.Repeat("x", message.MaxBodyBytes) + `"}`, "the body is too large: over "},
		"too many members": {with(strings.Repeat(`"x":1,`, 61) + `"y":1`), "over 64 members; WeCom knows about ten"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := envelope.Parse([]byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if got := errors.Is(err, envelope.ErrTooLarge); got != (name == "too much") {
				t.Errorf("too large: %v", got)
			}
		})
	}
}

// Encoded messages are read again, with each option that has a member.
func TestEncodedMessagesAreReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		options := tasks.Options{
			Priority:       rapid.SampledFrom([]tasks.Priority{"", tasks.Critical, tasks.Default, tasks.Bulk}).Draw(rt, "priority"),
			ExpiresIn:      time.Duration(rapid.Int64Min(0).Draw(rt, "expires in")),
			IdempotencyKey: rapid.StringMatching(`([!-~]([ -~]{0,30}[!-~])?)?`).Draw(rt, "key"),
		}
		if at := rapid.Int64Range(0, 4_000_000_000_000).Draw(rt, "at"); at > 0 {
			options.At = time.UnixMilli(at).UTC()
		}
		request, err := message.Parse([]byte(hello))
		if err != nil {
			rt.Fatal(err)
		}
		want := tasks.Message{Request: request, Options: options}
		data, err := envelope.Encode(want)
		if err != nil {
			rt.Fatal(err)
		}
		e, err := envelope.Parse(data)
		if err != nil {
			rt.Fatalf("%s: %v", data, err)
		}
		got, err := e.Message(tasks.Options{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			rt.Errorf("%s: error %v (-want +got):\n%s", data, err, diff)
		}
	})
}

func TestEncodeKeepsNothingBack(t *testing.T) {
	t.Parallel()
	request, err := message.Parse([]byte(hello))
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]tasks.Options{
		"a delay": {Delay: time.Minute}, "the moment of the deadline": {ExpiresAt: time.Now()},
	} {
		if data, err := envelope.Encode(tasks.Message{Request: request, Options: options}); err == nil {
			t.Errorf("%s: %s, want an error", name, data)
		}
	}
}
