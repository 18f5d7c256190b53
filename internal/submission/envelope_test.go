package submission

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

const doorToken = "door-token-0123456789abcdef"

// door is a way of submitting messages, with a Redis of its own.
type door struct {
	rdb      redis.UniversalClient
	producer *producer.Producer
	taken    []tasks.Message
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{rdb: redistest.New(t)}
	var err error
	if d.producer, err = producer.New(d.rdb, producer.Config{App: "ops"}); err != nil {
		t.Fatal(err)
	}
	return d
}

// Enqueue implements [gateway.Queue].
func (d *door) Enqueue(ctx context.Context, _ string, messages []tasks.Message) []tasks.Result {
	d.taken = append(d.taken, messages...)
	return d.producer.SendBatch(ctx, messages)
}

func (d *door) Record(context.Context, string, string) (tasks.Record, error) {
	return tasks.Record{}, gateway.ErrNotFound
}

// terms are those of `wecomq send`.
func (d *door) terms(t *testing.T) *Terms {
	t.Helper()
	cfg := &config.Config{Apps: map[string]*config.App{"ops": {Name: "ops", AgentID: "1000002"}}}
	outlets, err := NewOutlets(cfg, "", func(app *config.App) (*Outlet, error) { return &Outlet{AgentID: app.AgentID, Queue: d}, nil })
	if err != nil {
		t.Fatal(err)
	}
	return &Terms{Outlets: outlets}
}

// SendBatch implements [Queue].
func (d *door) SendBatch(ctx context.Context, messages []tasks.Message) []tasks.Result {
	return d.Enqueue(ctx, "ops", messages)
}

func (d *door) file(t *testing.T, text string) tasks.Result {
	t.Helper()
	item, err := d.terms(t).File(t.Context(), strings.NewReader(text), "test.json")
	if err != nil {
		return tasks.Result{Err: err}
	}
	return d.SendBatch(t.Context(), []tasks.Message{item.Message})[0]
}

func (d *door) line(t *testing.T, text string) tasks.Result {
	t.Helper()
	b, err := d.terms(t).Lines(strings.NewReader(text), "test.ndjson").Batch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := b.Enqueue(t.Context())[0]
	return tasks.Result{Receipt: o.Receipt, Err: o.Err}
}

// post submits a message by the REST API.
func (d *door) post(t *testing.T, path, text string) *httptest.ResponseRecorder {
	t.Helper()
	g, err := gateway.New(gateway.Config{
		Services: gateway.Services{Queue: d, Records: d},
		Settings: gateway.Settings{
			Apps: []gateway.App{{Name: "ops", CorpID: "ww1", AgentID: "1000002"}},
			Tokens: []config.Token{{
				Name: "door", SHA256: sha256.Sum256([]byte(doorToken)), Apps: []string{"ops"}, Scopes: []config.Scope{config.ScopeSend},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(text))
	r.Header.Set("Authorization", "Bearer "+doorToken)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// restAnswer is the response to a message, or to a line of a batch.
type restAnswer struct {
	ID     string      `json:"id"`
	State  tasks.State `json:"state"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

func (d *door) rest(t *testing.T, path, text string) tasks.Result {
	t.Helper()
	w := d.post(t, path, text)
	var answer restAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("HTTP %d %s: %v", w.Code, w.Body, err)
	}
	if answer.ID != "" {
		return tasks.Result{Receipt: tasks.Receipt{ID: answer.ID, State: answer.State}}
	}
	invalid := &message.ValidationError{}
	for _, e := range answer.Errors {
		invalid.Fields = append(invalid.Fields, message.FieldError{Field: strings.TrimPrefix(e.Location, "body."), Problem: e.Message})
	}
	return tasks.Result{Err: invalid}
}

func (d *door) request(t *testing.T, text string) tasks.Result {
	t.Helper()
	return d.rest(t, "/v1/messages", text)
}

func (d *door) batch(t *testing.T, text string) tasks.Result {
	t.Helper()
	return d.rest(t, "/v1/messages:batch", text)
}

// again submits a message as a webhook's message that has waited in Redis.
func (d *door) again(t *testing.T, text string) tasks.Result {
	t.Helper()
	e, err := envelope.Parse([]byte(text))
	if err != nil {
		return tasks.Result{Err: err}
	}
	m, err := e.Message(tasks.Options{})
	if err != nil {
		return tasks.Result{Err: err}
	}
	data, err := envelope.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return d.file(t, string(data))
}

// queued is the only task in the queue, without the parts that differ each time.
func (d *door) queued(t *testing.T, id string, p tasks.Priority) (tasks.Payload, asynq.TaskState) {
	t.Helper()
	info, err := asynq.NewInspectorFromRedisClient(d.rdb).GetTaskInfo(tasks.Queue("ops", p), id)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := tasks.Decode(info.Type, info.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if !payload.ExpiresAt.IsZero() { // it is relative to the time of enqueueing
		payload.ExpiresAt = time.Time{}.Add(payload.ExpiresAt.Sub(payload.EnqueuedAt))
	}
	payload.ID, payload.EnqueuedAt = "", time.Time{}
	return payload, info.State
}

// The same envelope becomes the same message at every door.
func TestAnEnvelopeIsTheSameByEveryDoor(t *testing.T) {
	t.Parallel()
	doors := map[string]func(*door, *testing.T, string) tasks.Result{
		"wecomq send --file":      (*door).file,
		"wecomq send --batch":     (*door).line,
		"POST /v1/messages":       (*door).request,
		"POST /v1/messages:batch": (*door).batch,
		"a message that waited":   (*door).again,
	}
	with := func(members string) string { return strings.TrimSuffix(hello, "}") + "," + members + "}" }
	at := time.Date(2099, 12, 1, 1, 3, 0, 0, time.UTC)
	tests := map[string]struct {
		text   string
		want   tasks.Options
		faults string
	}{
		"WeCom's members alone": {text: hello},
		"all of ours": {
			text: with(`"app":"ops","priority":"bulk","process_at":"2099-12-01T09:03:00+08:00","expires_in":"876000h","idempotency_key":"k 1"`),
			want: tasks.Options{Priority: tasks.Bulk, At: at, ExpiresIn: 876000 * time.Hour, IdempotencyKey: "k 1"},
		},
		"ours that say nothing": {text: with(`"app":null,"priority":"","process_at":"","expires_in":null,"idempotency_key":null`)},
		"all of ours wrong": {
			text: with(`"priority":"high","process_at":"tomorrow","expires_in":"0s","idempotency_key":"部署"`),
			faults: `priority: "high" is not one of critical, default, bulk; process_at: "tomorrow" is not a time such as 2026-01-02T15:04:05+08:00; ` +
				`expires_in: "0s" is not a duration such as "90s" or "1h"; idempotency_key: want visible ASCII characters`,
		},
		"ours no strings, and WeCom's wrong": {
			text:   with(`"priority":1,"idempotency_key":"","titel":"x"`),
			faults: "priority: want a string; idempotency_key: empty; leave it out, or set one that is different for every message; titel: unknown field (allow_unknown passes it on)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := message.Parse([]byte(hello))
			if err != nil {
				t.Fatal(err)
			}
			for way, send := range doors {
				d := newDoor(t)
				result := send(d, t, tt.text)
				if tt.faults != "" {
					invalid, ok := errors.AsType[*message.ValidationError](result.Err)
					if !ok || len(d.taken) > 0 {
						t.Fatalf("%s: %d taken, error %v; want fields at fault", way, len(d.taken), result.Err)
					}
					if diff := cmp.Diff(tt.faults, invalid.Error()); diff != "" {
						t.Errorf("%s: faults (-want +got):\n%s", way, diff)
					}
					continue
				}
				if result.Err != nil {
					t.Fatalf("%s: %v", way, result.Err)
				}
				want := tt.want
				if strings.HasPrefix(way, "POST") { // the token determines the sender
					want.Actor, want.KeyOwner = "door", "door"
				}
				if diff := cmp.Diff([]tasks.Message{{Request: request, Options: want}}, d.taken); diff != "" {
					t.Errorf("%s: message (-want +got):\n%s", way, diff)
				}
				d.check(t, way, result.Receipt.ID, want)
			}
		})
	}
}

// check compares the queued message with the options.
func (d *door) check(t *testing.T, way, id string, options tasks.Options) {
	t.Helper()
	want := tasks.Payload{
		App: "ops", Priority: tasks.Default, Type: message.TypeText, Actor: options.Actor,
		Body: []byte(`{"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"hello"}}`),
	}
	if options.Priority != "" {
		want.Priority = options.Priority
	}
	if options.ExpiresIn > 0 {
		want.ExpiresAt = time.Time{}.Add(options.ExpiresIn)
	}
	wantState := asynq.TaskStatePending
	if !options.At.IsZero() {
		wantState = asynq.TaskStateScheduled
	}
	got, state := d.queued(t, id, want.Priority)
	if diff := cmp.Diff(want, got); diff != "" || state != wantState {
		t.Errorf("%s: %s, want %s; payload (-want +got):\n%s", way, state, wantState, diff)
	}
}

func TestAnotherAppsEnvelopeIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	result := d.line(t, strings.TrimSuffix(hello, "}")+`,"app":"hr"}`)
	if want := `app: "hr", but this is app "ops"; leave app out or choose it with --app`; result.Err == nil || result.Err.Error() != want {
		t.Errorf("error %v, want %q", result.Err, want)
	}
}
