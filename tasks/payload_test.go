package tasks_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	whole = tasks.Payload{
		ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E", App: "ops", Priority: tasks.Critical, Type: message.TypeText,
		Body:       []byte(`{"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"<93%> & 磁盘满 🔥"}}`),
		EnqueuedAt: time.UnixMilli(1_795_500_000_123),
	}
	part = tasks.Payload{
		ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E.2", App: "ops", Priority: tasks.Bulk, Type: message.TypeMarkdown,
		Body:       []byte(`{"touser":"a|b","msgtype":"markdown","agentid":1000002,"markdown":{"content":"# 5.2"}}`),
		EnqueuedAt: time.UnixMilli(1_795_500_000_123), ExpiresAt: time.UnixMilli(1_795_503_600_000), Part: 2, Parts: 3,
	}
	replay = tasks.Payload{
		ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2F", App: "ops", Priority: tasks.Default, Type: message.TypeText,
		Body:       []byte(`{"touser":"a","msgtype":"text","agentid":1000002,"text":{"content":"x"}}`),
		EnqueuedAt: time.UnixMilli(1_795_500_000_123), ReplayOf: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E.2",
	}
	acted = tasks.Payload{
		ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E", App: "ops", Priority: tasks.Default, Type: message.TypeText,
		Body:       []byte(`{"touser":"a","msgtype":"text","agentid":1000002,"text":{"content":"x"}}`),
		EnqueuedAt: time.UnixMilli(1_795_500_000_123), Actor: `夜班 "nightly"@db-1`,
	}
	cardUpdate = tasks.Payload{
		ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2F.2", App: "ops", Priority: tasks.Critical, Type: tasks.CardUpdateType,
		Body:       []byte(`{"atall":1,"agentid":"","response_code":"s7Yd","button":{"replace_name":"Approved"}}`),
		EnqueuedAt: time.UnixMilli(1_795_500_000_123), Part: 2, Parts: 2, UpdateOf: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E.2",
	}
)

func TestPayloadsOnTheWire(t *testing.T) {
	t.Parallel()
	// Old golden files stay: a new worker decodes an old queue.
	for name, p := range map[string]tasks.Payload{"v1-whole": whole, "v1-part": part, "v1-replay": replay, "v1-actor": acted, "v2-card-update": cardUpdate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", name+".golden.json")
			got := tasks.Encode(p)
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			back, err := tasks.Decode(tasks.TypeName(p.Type), want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, back); diff != "" {
				t.Errorf("decoded payload (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusesWhatNobodyCanRead(t *testing.T) {
	t.Parallel()
	good := string(tasks.Encode(whole))
	for name, tc := range map[string]struct{ typeName, payload, says string }{
		"not JSON":            {"message:text", "\x00\x01", "invalid character"},
		"a foreign type":      {"email:send", good, `task type: "email:send" does not begin with message:`},
		"no version":          {"message:text", strings.Replace(good, `"v":1`, `"v":0`, 1), "v is missing"},
		"an id of nobody":     {"message:text", strings.Replace(good, "ops-01K9", "01K9", 1), "id:"},
		"an id of others":     {"message:text", strings.Replace(good, "ops-01K9", "hr-01K9", 1), `is not of app "ops"`},
		"an id with a quote":  {"message:text", strings.Replace(good, "7XJ4M2E", `7XJ4M\"E`, 1), "invalid characters"},
		"a replay of nobody":  {"message:text", strings.Replace(good, `"body"`, `"replay_of":"x","body"`, 1), "id:"},
		"an unknown priority": {"message:text", strings.Replace(good, "critical", "urgent", 1), `priority: "urgent"`},
		"a body that is text": {"message:text", strings.Replace(good, `"body":{`, `"body":"x","b":{`, 1), "body: not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tasks.Decode(tc.typeName, []byte(tc.payload))
			if err == nil || !strings.Contains(err.Error(), tc.says) || errors.Is(err, tasks.ErrVersion) {
				t.Errorf("error %v does not say %q", err, tc.says)
			}
		})
	}
}

func TestANewerPayloadIsLeftToANewerWorker(t *testing.T) {
	t.Parallel()
	newer := strings.Replace(string(tasks.Encode(whole)), `"v":1`, `"v":3,"shape":"unheard of"`, 1)
	if _, err := tasks.Decode("message:text", []byte(newer)); !errors.Is(err, tasks.ErrVersion) {
		t.Errorf("error %v, want ErrVersion", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("message:text", tasks.Encode(whole))
	f.Add("message:markdown", tasks.Encode(part))
	f.Add("message:text", tasks.Encode(replay))
	f.Add("message:", []byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, typeName string, payload []byte) {
		p, err := tasks.Decode(typeName, payload)
		if err != nil {
			return
		}
		again, err := tasks.Decode(typeName, tasks.Encode(p))
		if err != nil {
			t.Fatalf("what was decoded cannot be decoded again: %v", err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("second decoding (-first +second):\n%s", diff)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		tasks.Encode(whole)
	}
}

func BenchmarkDecode(b *testing.B) {
	encoded := tasks.Encode(whole)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tasks.Decode("message:text", encoded); err != nil {
			b.Fatal(err)
		}
	}
}
