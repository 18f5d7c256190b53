package notify_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// receiver accepts notifications, or fails as configured.
type receiver struct {
	testing.TB
	*httptest.Server

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) // of the next requests
	tries  []string                                     // webhook-id of each request
	told   []tasks.Record                               // the accepted records
	bodies int
}

func newReceiver(tb testing.TB) *receiver {
	tb.Helper()
	r := &receiver{TB: tb, answer: func(http.ResponseWriter, *http.Request) {}}
	r.Server = httptest.NewServer(r)
	tb.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.Error(err)
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		r.Error(err)
		return
	}
	if err := verifier.Verify(body, req.Header); err != nil {
		r.Errorf("%v of %s %v", err, body, req.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries = append(r.tries, req.Header.Get("Webhook-Id"))
	out := httptest.NewRecorder()
	r.answer(out, req)
	if out.Code/100 == 2 {
		r.take(body)
	}
	maps.Copy(w.Header(), out.Header())
	w.WriteHeader(out.Code)
}

// take keeps the records of a notification.
func (r *receiver) take(body []byte) {
	var event struct {
		Type string
		Data struct {
			App      string
			Messages []tasks.Record
		}
	}
	if err := json.Unmarshal(body, &event); err != nil || event.Type != "messages.ended" || len(event.Data.Messages) == 0 {
		r.Errorf("%s: %v", body, err)
	}
	r.told = append(r.told, event.Data.Messages...)
	r.bodies++
}

// does sets the response to the following requests.
func (r *receiver) does(answer func(w http.ResponseWriter, r *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func fails(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
func takes(http.ResponseWriter, *http.Request)     {}

func (r *receiver) tried() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.tries...)
}

// ids are the ids of accepted records, in order, each with its state.
func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := []string{}
	for _, record := range r.told {
		ids = append(ids, record.ID+" "+string(record.State))
	}
	return ids
}

// awaits waits until it has accepted n records.
func (r *receiver) awaits(n int) []string {
	r.Helper()
	waittest.Until(r, "the receiver was told of "+strconv.Itoa(n), func() bool { return len(r.ids()) >= n })
	return r.ids()
}

// notified configures a deployment whose app notifies a receiver.
func notified(to *receiver) func(*config.Config) {
	return func(cfg *config.Config) {
		cfg.Apps["ops"].Notify = config.Notify{URL: wecom.Secret(to.URL + "/hook?key=key-of-the-hook"), Secret: secret, Internal: true}
	}
}

func send(d *daemontest.Deployment, to string, options producer.Options) string {
	return d.Send("ops", daemontest.Text(to, "x"), options).ID
}

func TestOutcomesAreToldTogetherAndSigned(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	d := daemontest.New(t, daemontest.Config{Change: notified(to)})
	first := send(d, "lisi", producer.Options{})
	d.Start(daemon.Config{Worker: true})
	var want []string
	for range 20 {
		want = append(want, send(d, "lisi", producer.Options{})+" accepted")
	}
	later := send(d, "lisi", producer.Options{Delay: time.Hour})
	told := to.awaits(21)
	seen := map[string]bool{}
	for _, id := range told {
		seen[id] = true
	}
	for _, id := range append(want, first+" accepted") {
		if !seen[id] {
			t.Errorf("not told of %s, but of %v", id, told)
		}
	}
	if seen[later+" scheduled"] || len(told) != 21 {
		t.Errorf("told of %v", told)
	}
	if to.bodies > 10 {
		t.Errorf("%d notifications of 21 messages", to.bodies)
	}
	if text := d.Log.String(); strings.Contains(text, "key-of-the-hook") || strings.Contains(text, secret) {
		t.Errorf("the log has a secret: %s", text)
	}
}

// A worker that dies after settling a message has notified nobody.
func TestAnOutcomeThatNobodyWasToldIsToldByTheNextWorker(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	d := daemontest.New(t, daemontest.Config{Change: notified(to)})
	_, stop := d.Start(daemon.Config{Worker: true})
	before := send(d, "lisi", producer.Options{})
	to.awaits(1)
	stop()
	settled := send(d, "lisi", producer.Options{})
	payload, err := d.FinderOf("ops").Payload(t.Context(), settled, "text")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.LedgerOf("ops").Settle(t.Context(), payload, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013}); err != nil {
		t.Fatal(err)
	}
	if err := d.Redis.Del(t.Context(), keys.Results("ops")).Err(); err != nil { // the stream is short, and may have forgotten it
		t.Fatal(err)
	}
	d.Start(daemon.Config{Worker: true})
	waittest.Until(t, "it is told", func() bool { return strings.Contains(strings.Join(to.ids(), ","), settled+" rejected") })
	if !strings.Contains(to.ids()[0], before) {
		t.Errorf("told of %v", to.ids())
	}
}

func TestAReceiverThatFailsHoldsUpNothingButItsNotifications(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	to.does(fails)
	d := daemontest.New(t, daemontest.Config{Change: notified(to)})
	d.Start(daemon.Config{Worker: true})
	first := send(d, "lisi", producer.Options{})
	waittest.Until(t, "it has failed twice", func() bool { return len(to.tried()) >= 2 })
	second := send(d, "lisi", producer.Options{})
	waittest.Until(t, "the next message is sent", func() bool {
		record, err := d.FinderOf("ops").Message(t.Context(), second)
		return err == nil && record.State == tasks.Accepted
	})
	to.does(takes)
	if diff := cmp.Diff([]string{first + " accepted", second + " accepted"}, to.awaits(2)); diff != "" {
		t.Errorf("in order (-want +got):\n%s", diff)
	}
	tries := to.tried()
	if tries[0] != tries[1] || tries[0] == tries[len(tries)-1] || !strings.HasPrefix(tries[0], "msg_") {
		t.Errorf("the ids of the attempts are %v", tries)
	}
	waittest.Until(t, "the log says both", func() bool {
		return strings.Contains(d.Log.String(), "did not accept one") && strings.Contains(d.Log.String(), "accepts them again")
	})
}

func TestAnAddressThatIsNotPublicIsNotReached(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	d := daemontest.New(t, daemontest.Config{Change: func(cfg *config.Config) {
		notified(to)(cfg)
		cfg.Apps["ops"].Notify.Internal = false
	}})
	d.Start(daemon.Config{Worker: true})
	send(d, "lisi", producer.Options{})
	waittest.Until(t, "it was refused", func() bool { return strings.Contains(d.Log.String(), "notify_internal: true allows it") })
	if tries := to.tried(); len(tries) > 0 {
		t.Errorf("it was reached: %v", tries)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newReceiver(t)
	to := newReceiver(t)
	to.does(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	d := daemontest.New(t, daemontest.Config{Change: notified(to)})
	d.Start(daemon.Config{Worker: true})
	send(d, "lisi", producer.Options{})
	waittest.Until(t, "it was tried twice", func() bool { return len(to.tried()) >= 2 })
	if tries := elsewhere.tried(); len(tries) > 0 {
		t.Errorf("it was followed: %v", tries)
	}
}

// plant adds a message that ended this long ago to the ledger.
func plant(t *testing.T, d *daemontest.Deployment, id string, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago).UnixMilli()
	_, err := d.Redis.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		p.HSet(t.Context(), keys.Record("ops", id), "state", "accepted", "finished_at", at)
		p.ZAdd(t.Context(), keys.Records("ops"), redis.Z{Score: float64(at), Member: id})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnOutcomeIsGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	to.does(fails)
	d := daemontest.New(t, daemontest.Config{Change: notified(to)})
	if err := d.Redis.Set(t.Context(), keys.NotifyPlace("ops", "app"), time.Now().Add(-100*time.Hour).UnixMilli(), time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 { // as many as one notification has
		plant(t, d, tasks.NewID("ops"), 25*time.Hour+time.Duration(100-i)*time.Second)
	}
	_, _ = d.Start(daemon.Config{Worker: true, Listen: "127.0.0.1:0"})
	waittest.Until(t, "it is given up", func() bool { return strings.Contains(d.Log.String(), "outcomes were not delivered") })
	if tried := to.tried(); len(tried) != 0 {
		t.Errorf("what ended too long ago was told all the same, %d times", len(tried))
	}
	to.does(takes)
	fresh := send(d, "lisi", producer.Options{})
	if diff := cmp.Diff([]string{fresh + " accepted"}, to.awaits(1)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestATokenIsToldOfItsOwnMessages(t *testing.T) {
	t.Parallel()
	mine, all := newReceiver(t), newReceiver(t)
	builds := daemontest.Token("builds-token-0123456789", []string{"ops"}, config.ScopeSend)
	builds.Name, builds.Notify = "builds", config.Notify{URL: wecom.Secret(mine.URL), Secret: secret, Internal: true}
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{builds}, Change: notified(all)})
	d.Start(daemon.Config{Worker: true})
	other := send(d, "lisi", producer.Options{Actor: "root@db-1"})
	send(d, "lisi", producer.Options{Actor: tasks.WebhookActor("other")})
	hook := send(d, "lisi", producer.Options{Actor: tasks.WebhookActor("builds")})
	own := send(d, "lisi", producer.Options{Actor: "builds"})
	told := mine.awaits(2)
	slices.Sort(told)
	if diff := cmp.Diff([]string{hook + " accepted", own + " accepted"}, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if told := strings.Join(all.awaits(4), ","); !strings.Contains(told, own) || !strings.Contains(told, other) {
		t.Errorf("the app is told of %s", told)
	}
}
