package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// queued is a message in the queue of an app.
type queued struct {
	tasks.Message

	App string
}

// queue is a Queue that recognises a message by its key, as the real one does.
type queue struct {
	mu       sync.Mutex
	messages []queued
	// fail may fail the call before and after a message is accepted.
	fail func(taken bool) error
	// busy are messages that are not finished.
	busy map[string]bool
	// updates are the states of the updates of cards: accepted unless a test sets another, none for a card that
	// cannot be changed.
	updates map[string]tasks.State
	// changes are the updates, by card.
	changes map[string]string
	// spent is set if the sender's budget has no room for waiting messages; reserved counts those that had room.
	spent    bool
	reserved int
}

// Reserve counts waiting messages.
func (q *queue) Reserve(_ context.Context, _ tasks.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.spent {
		return &budget.SpentError{Token: "alertmanager", Limit: budget.PerMinute, Max: 1, Needs: 1, After: time.Minute}
	}
	q.reserved++
	return nil
}

func (q *queue) Done(_ context.Context, _, id string) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.busy[id], nil
}

func (q *queue) ChangeCard(
	_ context.Context, _, id string, update message.UpdateTemplateCardRequest, _ string,
) (tasks.State, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	state, ok := q.updates[id]
	if !ok {
		state = tasks.Accepted
	}
	if state == tasks.None {
		return state, webhook.ErrUnchangeable
	}
	body, err := message.Encode(update)
	if q.changes == nil {
		q.changes = map[string]string{}
	}
	q.changes[id] = string(body)
	return state, err
}

// setBusy sets whether a message is unfinished.
func (q *queue) setBusy(id string, busy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = map[string]bool{id: busy}
}

func (q *queue) Enqueue(_ context.Context, app string, messages []tasks.Message) []tasks.Result {
	results := make([]tasks.Result, len(messages))
	for i, m := range messages {
		results[i].Receipt, results[i].Err = q.take(queued{m, app})
	}
	return results
}

func (q *queue) take(m queued) (tasks.Receipt, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		if err := q.fail(false); err != nil {
			return tasks.Receipt{}, err
		}
	}
	key := m.Options.IdempotencyKey
	known := slices.ContainsFunc(q.messages, func(other queued) bool { return other.Options.IdempotencyKey == key })
	if !known {
		q.messages = append(q.messages, m)
	}
	if q.fail != nil {
		if err := q.fail(true); err != nil {
			return tasks.Receipt{}, err
		}
	}
	return tasks.Receipt{ID: tasks.IDFromKey(m.App, key), Duplicate: known}, nil
}

func (q *queue) all() []queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.messages)
}

// brief returns recipients, priority and text of the messages.
func (q *queue) brief(tb testing.TB) []string {
	tb.Helper()
	var texts []string
	for _, m := range q.all() {
		common := m.Request.Common()
		if err := message.Validate(m.Request); err != nil {
			tb.Errorf("WeCom would not take it: %v", err)
		}
		texts = append(texts, fmt.Sprintf("%s:%s:%s %s %s: %s", common.ToUser, common.ToParty, common.ToTag, m.Options.Priority, m.Request.Type(), textOf(m.Request)))
	}
	return texts
}

func textOf(request message.Request) string {
	switch r := request.(type) {
	case message.SendTextRequest:
		return r.Text.Content
	case message.SendMarkdownRequest:
		return r.Markdown.Content
	case message.SendTextCardRequest:
		return r.TextCard.Description
	case message.SendTemplateCardRequest:
		return r.TemplateCard.SubTitleText
	}
	return ""
}

// bundle is a handler with its own Redis, queue and clock.
type bundle struct {
	*webhook.Handler

	rdb   redis.UniversalClient
	queue *queue
	now   int64
}

// testConfig shows alerts by their names, so that tests can read them.
func testConfig() webhook.Config {
	cfg := webhook.DefaultConfig()
	cfg.Timezone = "UTC"
	cfg.Templates = map[string]webhook.Template{
		"markdown":        {File: "m", Source: "{{.Status}}{{range .Alerts}} {{.Name}}{{end}}"},
		"text":            {File: "t", Source: "{{.Status}}{{range .Alerts}} {{.Name}}{{end}}"},
		"digest_markdown": {File: "d", Source: "digest of {{.Count}}:{{range .Lines}} {{.Name}}×{{.Count}}{{end}}"},
	}
	return cfg
}

func newBundle(tb testing.TB, cfg webhook.Config) *bundle {
	tb.Helper()
	b := &bundle{rdb: redistest.New(tb), queue: &queue{}, now: 1_800_000_000_000}
	b.Handler = b.twin(tb, cfg)
	return b
}

// twin is another gateway on the same Redis.
func (b *bundle) twin(tb testing.TB, cfg webhook.Config) *webhook.Handler {
	tb.Helper()
	h, err := webhook.New(b.rdb, b.queue, cfg, zerolog.New(zerolog.NewTestWriter(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	h.Now = func() int64 { return b.now }
	return h
}

// pass advances the clock.
func (b *bundle) pass(d time.Duration) { b.now += d.Milliseconds() }

// answer is that of a handler.
type answer struct {
	status   int
	header   http.Header
	body     string
	accepted webhook.Accepted
}

func (b *bundle) post(tb testing.TB, source, query, body string, header http.Header) answer {
	tb.Helper()
	return post(tb, b.Handler, source, query, body, header)
}

// mounted serves a handler under the path of the gateway.
type mounted struct{ *webhook.Handler }

func (m mounted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/webhooks/"), "/")
	m.Handle(webhook.Source(path[0]), path[1], w, r)
}

func post(tb testing.TB, h *webhook.Handler, source, query, body string, header http.Header) answer {
	tb.Helper()
	return postTo(tb, mounted{h}, source, query, body, header)
}

func postTo(tb testing.TB, h http.Handler, source, query, body string, header http.Header) answer {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/v1/webhooks/"+source+"/ops?"+query, strings.NewReader(body))
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	if a.status == http.StatusAccepted {
		if err := json.Unmarshal(w.Body.Bytes(), &a.accepted); err != nil {
			tb.Fatal(err)
		}
	}
	return a
}

// group makes the body of an Alertmanager's webhook. Each alert is "name" or "name key=value …"; one that begins
// with ! is resolved.
func group(alerts ...string) string { return groupFrom("http://am-1:9093", alerts...) }

func groupFrom(externalURL string, alerts ...string) string {
	type object = map[string]any
	list := make([]object, len(alerts))
	status := "resolved"
	for i, alert := range alerts {
		words := strings.Fields(alert)
		name, resolved := strings.CutPrefix(words[0], "!")
		labels := map[string]string{"alertname": name}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			labels[key] = value
		}
		list[i] = object{
			"status": "firing", "labels": labels, "annotations": object{},
			"startsAt": "2026-11-22T07:58:13Z", "endsAt": "0001-01-01T00:00:00Z",
		}
		if resolved {
			list[i]["status"], list[i]["endsAt"] = "resolved", "2026-11-22T08:58:13Z"
		} else {
			status = "firing"
		}
	}
	body, err := json.Marshal(object{
		"version": "4", "receiver": "wecom", "status": status, "groupKey": `{}:{alertname="a"}`, "alerts": list,
		"externalURL": externalURL, "groupLabels": object{}, "commonLabels": object{}, "commonAnnotations": object{},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// route has the matchers in the text.
func route(tb testing.TB, matchers string, to message.Recipients) webhook.Route {
	tb.Helper()
	parsed, err := webhook.ParseMatchers(matchers)
	if err != nil {
		tb.Fatal(err)
	}
	return webhook.Route{Matchers: parsed, To: to}
}
