package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

const textOfX = `{"touser":"a","msgtype":"text","text":{"content":"x"}}`

// watchingQueue notes whether the whole budget is free while a message is enqueued.
type watchingQueue struct {
	memory

	free func() bool // all of it
	seen bool
}

func (q *watchingQueue) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	q.seen = q.free()
	return q.memory.Enqueue(ctx, app, messages)
}

func TestBodiesTogetherTakeSoMuchMemoryAndNoMore(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	free := func() bool {
		if !g.bodies.TryAcquire(maxBodiesBytes) {
			return false
		}
		g.bodies.Release(maxBodiesBytes)
		return true
	}
	queue := &watchingQueue{free: free}
	g.services.Queue = queue
	g.mount(Route{Pattern: "/hook", Scope: "send", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			g.fail(w, r, err)
		}
	})})
	ask := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(textOfX))
		r.Header.Set("Authorization", "Bearer "+fuzzToken)
		return serve(t, g, r)
	}
	if !g.bodies.TryAcquire(maxBodiesBytes - int64(len(textOfX)) + 1) {
		t.Fatal("the budget is not free at the start")
	}
	for _, path := range []string{"/v1/messages", "/cgi-bin/gettoken", "/hook"} {
		if w := ask(path); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "as many bodies") {
			t.Errorf("%s: HTTP %d %v: %s", path, w.Code, w.Header(), w.Body)
		}
	}
	g.bodies.Release(1)
	if w := ask("/v1/messages"); w.Code != http.StatusAccepted {
		t.Errorf("with a budget for just this one: HTTP %d %s", w.Code, w.Body)
	}
	g.bodies.Release(maxBodiesBytes - int64(len(textOfX)))
	if w := ask("/v1/messages"); w.Code != http.StatusAccepted || queue.seen {
		t.Errorf("HTTP %d; the body took nothing from the budget while its message was enqueued: %v", w.Code, queue.seen)
	}
	if !free() {
		t.Error("not all of the budget was released")
	}
}
