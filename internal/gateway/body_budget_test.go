package gateway

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/costtest"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const textOfX = `{"touser":"a","msgtype":"text","text":{"content":"x"}}`

// watchingQueue records the memory of bodies while a message is enqueued.
type watchingQueue struct {
	memory

	inUse func() int64
	seen  int64
}

func (q *watchingQueue) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	q.seen = q.inUse()
	return q.memory.Enqueue(ctx, app, messages)
}

// unfinished is a body of which only this part arrives, until the test lets it end.
type unfinished struct {
	io.Reader

	stuck func()
	end   <-chan struct{}
}

func (u *unfinished) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	u.stuck()
	<-u.end
	return 0, io.ErrUnexpectedEOF
}

// besiege makes requests whose bodies do not end, and returns when the gateway waits for the rest of each or has
// answered it.
func besiege(t *testing.T, g *Gateway, n int, request func(body io.Reader) *http.Request, body string) {
	t.Helper()
	end := make(chan struct{})
	var stuck, answered sync.WaitGroup
	for range n {
		stuck.Add(1)
		settled := sync.OnceFunc(stuck.Done)
		answered.Go(func() {
			defer settled()
			r := request(&unfinished{strings.NewReader(body), settled, end})
			g.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	stuck.Wait()
	t.Cleanup(func() {
		close(end)
		answered.Wait()
	})
}

func allReleased(t *testing.T, g *Gateway) {
	t.Helper()
	if n := g.bodies.InUse(); n != 0 {
		t.Errorf("%d bytes were not released", n)
	}
}

func post(t *testing.T, path string, body io.Reader, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// hook mounts a handler of another package that reads its body.
func hook(g *Gateway) {
	g.mount(Route{Pattern: "/hook", Scope: "send", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			g.fail(w, r, err)
		}
	})})
}

func TestWhoIsNotAuthenticatedTakesNoMemoryFromOthers(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	hook(g)
	t.Cleanup(func() { allReleased(t, g) })
	for _, size := range []int{1000, 64_000} {
		var address atomic.Int64
		besiege(t, g, 1111, func(body io.Reader) *http.Request {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/cgi-bin/gettoken", body)
			r.RemoteAddr = "192.0.2." + strconv.FormatInt(address.Add(1)/600, 10) + ":1"
			return r
		}, strings.Repeat(" ", size))
	}
	for _, path := range []string{"/v1/messages", "/hook", "/cgi-bin/gettoken"} {
		r := post(t, path, strings.NewReader(textOfX), fuzzToken)
		r.RemoteAddr = "198.51.100.1:1"
		if w := serve(t, g, r); w.Code >= http.StatusMultipleChoices {
			t.Errorf("%s: HTTP %d %s", path, w.Code, w.Body)
		}
	}
}

func TestBodiesTogetherTakeSoMuchMemoryAndNoMore(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	queue := &watchingQueue{inUse: g.bodies.InUse}
	g.services.Queue = queue
	hook(g)
	t.Cleanup(func() { allReleased(t, g) })
	besiege(t, g, 4, func(body io.Reader) *http.Request { return post(t, "/v1/messages", body, fuzzToken) },
		strings.Repeat(" ", 8<<20-1))
	before := g.bodies.InUse()
	if before != 4*(8<<20-1) {
		t.Fatalf("%d bytes are held by one token, which may have half of 64 MB", before)
	}
	for _, path := range []string{"/v1/messages", "/hook"} {
		body := bytes.Repeat([]byte(" "), 8<<20-1)
		if w := serve(t, g, post(t, path, bytes.NewReader(body), fuzzToken)); w.Code != http.StatusServiceUnavailable ||
			w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "out of memory for request bodies") {
			t.Errorf("%s: HTTP %d %v: %s", path, w.Code, w.Header(), w.Body)
		}
	}
	if w := serve(t, g, post(t, "/v1/messages", strings.NewReader(textOfX), otherToken)); w.Code != http.StatusAccepted || queue.seen < before+int64(len(textOfX)) {
		t.Errorf("another token: HTTP %d; the bodies took %d bytes while its message was enqueued, and %d before", w.Code, queue.seen, before)
	}
}

// doors are the paths that accept JSON.
var doors = []string{
	"/v1/messages", "/v1/messages:batch", "/v1/messages/ops-01JD5K3V8N0000000000000000/card", "/v1/broadcasts",
	"/cgi-bin/message/send", "/cgi-bin/message/update_template_card", "/cgi-bin/message/recall", "/cgi-bin/gettoken",
}

// hostile are bodies of many small values: a beginning, a repeated part, and an end.
var hostile = map[string][3]string{
	"members":                 {`{"response_code":"x"`, `,"aaaa":1`, `}`},
	"recipients":              {`{"msgtype":"text","text":{"content":"x"},"agentid":1000002,"touser":"`, `a|`, `a"}`},
	"recipients that differ":  {`{"msgtype":"text","text":{"content":"x"},"agentid":1000002,"toparty":"`, `10|11|12|13|14|15|16|17|`, `9"}`},
	"recipients that are not": {`{"msgtype":"text","text":{"content":"x"},"agentid":1000002,"touser":"`, `!|`, `a"}`},
	"unknown members inside":  {`{"touser":"a","msgtype":"text","text":{"content":"x"`, `,"a":1`, `}}`},
	"articles":                {`{"touser":"a","msgtype":"news","news":{"articles":[{}`, `,{}`, `]}}`},
	"depth":                   {`{"touser":"a","msgtype":"text","text":`, `{"a":`, `1`},
	"escapes":                 {`{"touser":"a","msgtype":"text","text":{"content":"`, `\u00e4\ud83d`, `"}}`},
	"a text":                  {`{"touser":"a","msgtype":"text","text":{"content":"`, `0123456789`, `"}}`},
	"digits":                  {`{"touser":"a","safe":1`, `0000000000`, `,"msgtype":"text","text":{"content":"x"}}`},
	"recipients of a list":    {`{"text":"x","recipients":["a"`, `,"a"`, `]}`},
	"columns":                 {`{"text":"x","recipients":[{"userid":"a"`, `,"aa":"b"`, `}]}`},
	"userids":                 {`{"button":{"replace_name":"x"},"userids":["a"`, `,"a"`, `]}`},
	"blanks":                  {`{`, `          `, `}`},
}

// spend makes a request, and returns its cost.
func spend(tb testing.TB, g *Gateway, path, body string) costtest.Cost {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+fuzzToken)
	if strings.HasPrefix(path, "/cgi-bin/") {
		token, err := sealAccess(g.settings.Load().Tokens[0], access{secret: fuzzToken, corpID: "ww1", expires: g.now().Add(accessLife)})
		if err != nil {
			tb.Fatal(err)
		}
		r.URL.RawQuery = "access_token=" + token
	}
	return costtest.Of(func() { g.ServeHTTP(httptest.NewRecorder(), r) })
}

// mayTake is the memory limit for a body: 8 times its size, plus 1 MB for few values and 512 bytes for each
// recipient, of whom there are at most 100,000.
func mayTake(body string) uint64 {
	recipients := min(strings.Count(body, "|")+strings.Count(body, `","`), envelope.MaxRecipients)
	return uint64(8*len(body) + 512*recipients + 1<<20)
}

func TestNoBodyTakesMoreThanEightTimesItsSize(t *testing.T) { //nolint:paralleltest // it measures what the process allocates
	g := newFuzzGateway(t)
	g.services.Cards = cards{}
	for _, path := range doors {
		for name, parts := range hostile {
			body := parts[0] + strings.Repeat(parts[1], 60_000/len(parts[1])) + parts[2]
			if used := spend(t, g, path, body).Bytes; used > mayTake(body) {
				t.Errorf("%s: %d bytes of %s take %d, and may take %d", path, len(body), name, used, mayTake(body))
			}
		}
	}
}

// BenchmarkHostile shows that no body of any size takes a second, at any door.
func BenchmarkHostile(b *testing.B) {
	g := newFuzzGateway(b)
	g.services.Cards = cards{}
	for _, path := range doors {
		for _, name := range slices.Sorted(maps.Keys(hostile)) {
			parts := hostile[name]
			body := parts[0] + strings.Repeat(parts[1], (8<<20-1000)/len(parts[1])) + parts[2]
			b.Run(strings.ReplaceAll(path+"/"+name, " ", "-"), func(b *testing.B) {
				var worst time.Duration
				for b.Loop() {
					worst = max(worst, spend(b, g, path, body).CPU)
				}
				b.ReportMetric(float64(worst.Milliseconds()), "cpu-ms")
				if worst > time.Second {
					b.Errorf("%d bytes take %s", len(body), worst)
				}
			})
		}
	}
}

// cards changes no cards.
type cards struct{}

func (cards) UpdateCard(context.Context, string, string, message.UpdateTemplateCardRequest) (tasks.Receipt, error) {
	return tasks.Receipt{}, ErrConflict
}

func TestUnfinishedLinesOfOneTokenLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	g.bodies = intake.NewBudget(8 << 20)
	t.Cleanup(func() { allReleased(t, g) })
	besiege(t, g, 2, func(body io.Reader) *http.Request { return post(t, "/v1/messages:batch", body, fuzzToken) },
		strings.Repeat(" ", 1900<<10))
	if held := g.bodies.InUse(); held < 2*(1900-64)<<10 {
		t.Fatalf("two unfinished lines of 1900 KB are charged with %d bytes", held)
	}
	line := textOfX + strings.Repeat(" ", 500<<10)
	for token, want := range map[string]string{fuzzToken: `"status":503`, otherToken: `"state":"queued"`} {
		if w := serve(t, g, post(t, "/v1/messages:batch", strings.NewReader(line), token)); !strings.Contains(w.Body.String(), want) {
			t.Errorf("HTTP %d %s, want %s", w.Code, w.Body, want)
		}
	}
	many := strings.Repeat(textOfX+strings.Repeat(" ", 100<<10)+"\n", 50) // more than its share, one after the other
	if w := serve(t, g, post(t, "/v1/messages:batch", strings.NewReader(many), otherToken)); strings.Count(w.Body.String(), `"state":"queued"`) != 50 {
		t.Errorf("a batch that is larger than the share: %s", w.Body)
	}
}

func TestStreamsAndFilesOfOneTokenLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	besiege(t, g, maxStreams+1, func(body io.Reader) *http.Request { return post(t, "/v1/messages:batch", body, fuzzToken) }, "{")
	for token, want := range map[string]int{fuzzToken: http.StatusServiceUnavailable, otherToken: http.StatusOK} {
		if w := serve(t, g, post(t, "/v1/messages:batch", strings.NewReader(textOfX), token)); w.Code != want {
			t.Errorf("a stream beside as many as may be: HTTP %d %s, want %d", w.Code, w.Body, want)
		}
	}
	of := func(secret string) context.Context {
		identity, err := g.identify(secret)
		if err != nil {
			t.Fatal(err)
		}
		return context.WithValue(t.Context(), identityKey{}, identity)
	}
	over, cancel := context.WithCancel(of(fuzzToken))
	cancel()
	for i, step := range []struct {
		ctx context.Context //nolint:containedctx // of a step
		ok  bool
	}{{of(fuzzToken), true}, {of(fuzzToken), true}, {over, false}, {of(otherToken), true}} {
		if _, err := g.takeUpload(step.ctx); (err == nil) != step.ok {
			t.Errorf("file %d: %v", i+1, err)
		}
	}
}
