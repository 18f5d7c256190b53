package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
)

// lossyQueue stores messages, but loses its replies while a test wants that.
type lossyQueue struct {
	gateway.Queue

	mu     sync.Mutex
	lost   error
	ids    []string
	during func() // runs once, within a call
}

func (q *lossyQueue) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	results := q.Queue.Enqueue(ctx, app, messages)
	q.mu.Lock()
	during, lost := q.during, q.lost
	q.during = nil
	q.ids = append(q.ids, messages[0].ID)
	q.mu.Unlock()
	if during != nil {
		during()
	}
	if lost != nil {
		results[0].Err = lost
	}
	return results
}

// lossy is a bundle with such a queue.
func lossy(t *testing.T, change ...func(*gateway.Config)) (*bundle, *lossyQueue) {
	t.Helper()
	q := &lossyQueue{}
	return newBundle(t, append(change, func(cfg *gateway.Config) { q.Queue, cfg.Services.Queue = cfg.Services.Queue, q })...), q
}

// post calls message/send for a client that may disconnect.
func (b *bundle) post(client context.Context, token, path, body string) int {
	r := httptest.NewRequestWithContext(client, http.MethodPost, path+"/cgi-bin/message/send?access_token="+token, strings.NewReader(body))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Code
}

func TestWhatIsSentAgainForWantOfAnAnswerIsOneMessage(t *testing.T) {
	t.Parallel()
	b, q := lossy(t)
	token := b.accessToken(senderToken)
	const alert = `{"text":{"content":""},"touser":"zhangsan|lisi","agentid":"1000002","safe":"0","msgtype":"markdown",` +
		`"markdown":{"content":"[FIRING:1] HighCPU\n\nAlertmanagerUrl:\nhttp://am.example.com"}}`
	q.lost = gateway.ErrUnavailable
	for range 3 {
		same(t, "status while Redis does not confirm", b.post(t.Context(), token, "", alert), http.StatusServiceUnavailable)
		b.now.advance(89 * time.Second)
	}
	q.lost = nil
	same(t, "status of the repeat", b.post(t.Context(), token, "", alert), http.StatusOK)
	same(t, "status of the next message", b.post(t.Context(), token, "", alert), http.StatusOK)
	same(t, "ids of the four tries", len(slices.Compact(slices.Clone(q.ids[:4]))), 1)
	if q.ids[3] == q.ids[4] {
		t.Error("a message after one that was answered is its repeat")
	}
	b.work()
	waittest.Until(t, "both are sent", func() bool { return b.ended(q.ids[3]) && b.ended(q.ids[4]) })
	same(t, "messages at WeCom", len(b.sim.Messages()), 2)
}

func TestAClientThatHasGoneGotNoAnswer(t *testing.T) {
	t.Parallel()
	b, q := lossy(t)
	token := b.accessToken(senderToken)
	client, leave := context.WithCancel(t.Context())
	q.during = func() {
		leave()
		b.post(t.Context(), token, "", textBody) // while the first attempt is still in progress
	}
	b.post(client, token, "", textBody)
	same(t, "ids", len(slices.Compact(q.ids)), 1)
}

func TestWhatIsNoRepeat(t *testing.T) {
	t.Parallel()
	const other = "another-token-of-ops"
	for name, tt := range map[string]struct {
		token, path, body string
		later             time.Duration
	}{
		"other content":        {body: strings.Replace(textBody, "hello", "hello!", 1)},
		"other recipients":     {body: strings.Replace(textBody, "zhangsan", "lisi", 1)},
		"another priority":     {path: "/critical"},
		"another token":        {token: other},
		"more than 90 s later": {later: 91 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, q := lossy(t, func(cfg *gateway.Config) {
				cfg.Settings.Tokens = append(cfg.Settings.Tokens, daemontest.Token(other, []string{"ops"}, config.ScopeSend))
			})
			q.lost = gateway.ErrUnavailable
			b.post(t.Context(), b.accessToken(senderToken), "", textBody)
			q.lost = nil
			token, body := senderToken, textBody
			if tt.token != "" {
				token = tt.token
			}
			if tt.body != "" {
				body = tt.body
			}
			access := b.accessToken(token)
			b.now.advance(tt.later)
			b.post(t.Context(), access, tt.path, body)
			if len(q.ids) != 2 || q.ids[0] == q.ids[1] {
				t.Errorf("ids %q", q.ids)
			}
		})
	}
}

func TestTwoRequestsAtOnceAreTwoMessages(t *testing.T) {
	t.Parallel()
	b, q := lossy(t)
	token := b.accessToken(senderToken)
	q.during = func() { b.post(t.Context(), token, "", textBody) }
	b.post(t.Context(), token, "", textBody)
	same(t, "ids", len(slices.Compact(q.ids)), 2)
}
