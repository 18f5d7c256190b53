package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// keyRow is a row of docs/redis-keys.md.
type keyRow struct {
	names string
	match *regexp.Regexp
	ends  bool // its keys have a TTL
	bound bool // its keys may be without one
	met   bool // by a key in Redis
}

var (
	codeSpan    = regexp.MustCompile("`([^`]+)`")
	placeholder = regexp.MustCompile(`<\w+>`)
)

// keyRows reads docs/redis-keys.md.
func keyRows(t *testing.T) []*keyRow {
	t.Helper()
	text, err := os.ReadFile("../../docs/redis-keys.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []*keyRow
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(line, "| `") {
			continue
		}
		var patterns []string
		for _, name := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
			patterns = append(patterns, keyPattern(name[1]))
		}
		full := func(cell string) bool { return strings.TrimSpace(cell) != "" }
		rows = append(rows, &keyRow{
			names: strings.TrimSpace(cells[1]), ends: full(cells[3]), bound: full(cells[4]),
			match: regexp.MustCompile("^(?:" + strings.Join(patterns, "|") + ")$"),
		})
	}
	return rows
}

// keyPattern is what matches a name in which ops stands for any app, critical for any
// priority, and a word in angle brackets for anything.
func keyPattern(name string) string {
	pattern := placeholder.ReplaceAllString(regexp.QuoteMeta(name), `[^:]+`)
	pattern = strings.Replace(pattern, `\{ops:critical\}`, `\{\w+:(?:critical|default|bulk)\}`, 1)
	return strings.Replace(pattern, `\{ops\}`, `\{\w+\}`, 1)
}

// growth is a deployment that takes everything, and what was seen in its Redis.
type growth struct {
	*daemontest.Deployment
	*testing.T
	rows   []*keyRow
	faults map[string]bool // told once
	url    string
	reload func(*config.Config)
}

func newGrowth(t *testing.T) *growth {
	t.Helper()
	apps := []string{"ops", "wrong", "old"}
	limited := daemontest.Token(token, apps, config.ScopeSend, config.ScopeRead, config.ScopeAdmin)
	limited.Limits.PerMinute = 1 << 20
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	d := daemontest.New(t, daemontest.Config{
		RedisURL: redistest.Start(t).URL(), // asynq's scripts and TTLs as they are in production
		Rules:    wecomtest.Rules{Invisible: []string{"nobody"}, Latency: wecomtest.Duration(10 * time.Millisecond)},
		Apps:     apps,
		Tokens:   []config.Token{limited},
		Change: func(cfg *config.Config) {
			cfg.Apps["wrong"].Secret = "wrong"
			cfg.Apps["ops"].Limits.Seats = 1000
			cfg.Apps["ops"].Notify = config.Notify{
				URL: wecom.Secret(receiver.URL), Secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", Internal: true,
			}
			cfg.Gateway.Webhooks.Digest = webhook.Digest{After: 2, Window: webhook.MinDigestWindow}
		},
	})
	g := &growth{Deployment: d, T: t, rows: keyRows(t), faults: map[string]bool{}}
	hangup, next := make(chan os.Signal), make(chan *config.Config, 1)
	g.url, _ = d.Start(daemon.Config{Gateway: true, Worker: true, Hangup: hangup, Load: func() (*config.Config, error) { return <-next, nil }})
	g.reload = func(cfg *config.Config) {
		next <- cfg
		hangup <- syscall.SIGHUP
	}
	return g
}

// look judges every key that is in Redis now.
func (g *growth) look() {
	g.Helper()
	all := g.Redis.Scan(g.Context(), 0, "", 1000).Iterator()
	for all.Next(g.Context()) {
		key := all.Val()
		i := slices.IndexFunc(g.rows, func(r *keyRow) bool { return r.match.MatchString(key) })
		if i < 0 {
			g.fault("is in no row of docs/redis-keys.md: give it a TTL or a bound, and a row", key)
			continue
		}
		row := g.rows[i]
		row.met = true
		if row.ends && !row.bound && g.Redis.PTTL(g.Context(), key).Val() == -1 {
			g.fault("has no TTL, and docs/redis-keys.md promises one", key)
		}
	}
	if err := all.Err(); err != nil {
		g.Fatal(err)
	}
}

func (g *growth) fault(what, key string) {
	g.Helper()
	if !g.faults[key] {
		g.Errorf("key %s %s", key, what)
	}
	g.faults[key] = true
}

// until waits for an event, and looks at the keys all the while.
func (g *growth) until(what string, happened func() bool) {
	g.Helper()
	waittest.Until(g.T, what, func() bool {
		g.look()
		return happened()
	})
}

func (g *growth) post(path, body string) {
	g.Helper()
	if status := call(g.T, http.MethodPost, g.url+path, body); status >= http.StatusMultipleChoices {
		g.Fatalf("POST %s: HTTP %d", path, status)
	}
}

func (g *growth) state(id string) tasks.State {
	record, _ := g.FinderOf(strings.SplitN(id, "-", 2)[0]).Message(g.Context(), id)
	return record.State
}

// send enqueues a text that no duplicate check takes for another.
func (g *growth) send(app, to string, o producer.Options) (id string) {
	g.Helper()
	return g.Send(app, daemontest.Text(to, fmt.Sprint("text ", time.Now().UnixNano())), o).ID
}

// alerts posts a webhook about an alert of its own group.
func (g *growth) alerts(to, status, group string) {
	g.Helper()
	g.post("/v1/webhooks/alertmanager/ops?to_user="+to, `{"version":"4","receiver":"r","externalURL":"http://am","status":"`+status+`","groupKey":"`+group+
		`","alerts":[{"status":"`+status+`","labels":{"alertname":"`+group+`"},"startsAt":"2026-11-22T07:58:13Z","endsAt":"2026-11-22T08:58:13Z"}]}`)
}

// storm posts alerts until some are gathered: a slow machine posts fewer within a window.
func (g *growth) storm() {
	g.Helper()
	digest := g.rows[slices.IndexFunc(g.rows, func(r *keyRow) bool { return strings.Contains(r.names, ":webhook:digest:") })]
	n := 0
	waittest.Until(g.T, "alerts are gathered", func() bool {
		for range 4 {
			g.alerts("storm", "firing", fmt.Sprint("storm", n))
			n++
		}
		g.look()
		return digest.met
	})
}

// messages sends one of each kind by the REST API, and some whose recipients are over
// their limit; one comes twice, one is for nobody, one too late.
func (g *growth) messages() (rejected string) {
	g.Helper()
	g.post("/v1/messages:batch?app=ops", strings.Join(samples.Messages(), "\n"))
	for range 2 {
		g.Send("ops", daemontest.Text("key", "the same"), producer.Options{Priority: tasks.Critical, IdempotencyKey: "k"})
	}
	for range tasks.DefaultLimits().MemberPerMinute + 2 {
		g.send("ops", "busy", producer.Options{})
	}
	g.send("ops", "busy", producer.Options{Priority: tasks.Critical})
	g.send("wrong", "a", producer.Options{})
	g.send("ops", "late", producer.Options{Priority: tasks.Bulk, ExpiresIn: time.Nanosecond})
	g.send("ops", "tomorrow", producer.Options{At: time.Now().Add(24 * time.Hour)})
	return g.send("ops", "nobody", producer.Options{})
}

// picture sends a picture that the worker uploads.
func (g *growth) picture() {
	g.Helper()
	ref, err := g.Media(g.App("ops")).Keep(g.Context(), wecom.MediaImage, "", []byte("\x89PNG\r\n\x1a\n and the rest"))
	if err != nil {
		g.Fatal(err)
	}
	id := g.Send("ops", message.SendImageRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "picture"}, Image: message.ImageField{MediaID: ref.String()},
	}, producer.Options{}).ID
	g.until("the picture has arrived", func() bool { return g.state(id) == tasks.Accepted })
}

// operator replays, recalls, cancels, purges, pauses and resumes.
func (g *growth) operator(rejected string) {
	g.Helper()
	g.until("the message for nobody is a dead letter", func() bool { return g.state(rejected) == tasks.Rejected })
	g.post("/v1/messages/"+rejected+"/replay", "")
	sent := g.send("ops", "recall", producer.Options{})
	g.until("the message to be recalled has arrived", func() bool { return g.state(sent) == tasks.Accepted })
	g.post("/v1/messages/"+sent+"/recall", "")
	cancelled := g.send("ops", "cancel", producer.Options{At: time.Now().Add(time.Hour)})
	if status := call(g.T, http.MethodDelete, g.url+"/v1/messages/"+cancelled, ""); status != http.StatusOK {
		g.Errorf("cancel: HTTP %d", status)
	}
	inspector := g.Inspector()
	if err := inspector.Pause(g.Context(), "ops"); err != nil {
		g.Fatal(err)
	}
	// The resolved alert waits for the firing one, and others are gathered meanwhile.
	g.alerts("pair", "firing", "pair")
	g.alerts("pair", "resolved", "pair")
	g.storm()
	g.alerts("card&type=template_card&resolve=update", "firing", "card")
	many := strings.Repeat(`{"touser":"many","msgtype":"text","text":{"content":"many"}}`+"\n", 20) // a long queue
	g.post("/v1/messages:batch?app=ops", many)
	g.look()
	if err := inspector.Resume(g.Context(), "ops"); err != nil {
		g.Fatal(err)
	}
}

// compatible sends and uploads by WeCom's API, and looks at the pages in a session.
func (g *growth) compatible() {
	g.Helper()
	response, err := http.Get(g.url + "/cgi-bin/gettoken?corpid=" + wecomtest.CorpID + "&corpsecret=" + token) //nolint:noctx // loopback
	if err != nil {
		g.Fatal(err)
	}
	var access struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&access); err != nil || access.Token == "" {
		g.Fatalf("gettoken: %+v, %v", access, err)
	}
	_ = response.Body.Close()
	g.post("/cgi-bin/message/send?access_token="+access.Token,
		fmt.Sprintf(`{"touser":"a","agentid":%d,"msgtype":"text","text":{"content":"compatible"}}`, wecomtest.AgentID))
	var file bytes.Buffer
	form := multipart.NewWriter(&file)
	part, _ := form.CreateFormFile("media", "a.txt")
	_, _ = part.Write([]byte("hello"))
	_ = form.Close()
	uploaded, err := http.Post(g.url+"/cgi-bin/media/upload?type=file&access_token="+access.Token, form.FormDataContentType(), &file) //nolint:noctx // loopback
	if err != nil {
		g.Fatal(err)
	}
	_ = uploaded.Body.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.Fatal(err)
	}
	visitor := &browser{g.T, http.Client{Jar: jar}, g.url}
	visitor.post("/login", url.Values{"token": {token}})
	visitor.post("/logout", nil)
	for _, path := range []string{"/readyz", "/metrics", "/v1/apps", "/dashboard/"} {
		if status := call(g.T, http.MethodGet, g.url+path, ""); status != http.StatusOK {
			g.Errorf("GET %s: HTTP %d", path, status)
		}
	}
}

// tasksAreListed looks for tasks that no list of their queue leads to: nothing would
// ever delete them.
func (g *growth) tasksAreListed(queue string) {
	g.Helper()
	base := "asynq:{" + queue + "}:"
	held := g.Redis.Keys(g.Context(), base+"t:*").Val()
	listed := map[string]bool{}
	for _, list := range []string{"pending", "active"} {
		for _, id := range g.Redis.LRange(g.Context(), base+list, 0, -1).Val() {
			listed[id] = true
		}
	}
	for _, set := range []string{"scheduled", "retry", "archived", "completed"} {
		for _, id := range g.Redis.ZRange(g.Context(), base+set, 0, -1).Val() {
			listed[id] = true
		}
	}
	for _, key := range held {
		if id := strings.TrimPrefix(key, base+"t:"); !listed[id] {
			g.fault("is a task in no list", key)
		}
	}
}

// webhooksRest looks for digests and waiting messages that nothing leads to any more,
// and for windows that stay.
func (g *growth) webhooksRest() {
	g.Helper()
	for _, kind := range []string{"digest", "closed", "waiting"} {
		for _, key := range g.Redis.Keys(g.Context(), "wecomq:{ops}:webhook:"+kind+":*").Val() {
			g.fault("is not listed in "+keys.WebhookDue("ops"), key)
		}
	}
	for _, window := range g.Redis.Keys(g.Context(), "wecomq:{ops}:webhook:window:*").Val() {
		if g.Redis.PTTL(g.Context(), window).Val() == -1 {
			g.fault("has no TTL, and no digest of its member is open", window)
		}
	}
}

// forget takes an app out of the config, and has its keys deleted.
func (g *growth) forget(app string) {
	g.Helper()
	next := *g.Config
	next.Apps = maps.Clone(g.Config.Apps)
	delete(next.Apps, app)
	next.Gateway.Tokens = []config.Token{daemontest.Token(token, []string{"ops"}, config.ScopeSend)}
	g.reload(&next)
	awaitLog(g.T, g.Deployment, `"lane is down"`, 1)
	g.look()
	if _, err := g.Inspector().Forget(g.Context(), app); err != nil {
		g.Fatal(err)
	}
	if left := g.Redis.Keys(g.Context(), "*{"+app+"[:}]*").Val(); len(left) > 0 {
		g.Errorf("after it was forgotten, app %s has %v", app, left)
	}
}

// broadcast sends one, and takes it back.
func (g *growth) broadcast() {
	g.Helper()
	desk := g.BroadcastDesk(g.App("ops"))
	order := &broadcast.Order{Text: "hello {{.name}}", Recipients: json.RawMessage(`[{"userid":"a","name":"A"},{"userid":"b","name":"B"}]`)}
	draft, err := desk.Compile(g.Context(), order, nil, "anna")
	if err != nil {
		g.Fatal(err)
	}
	defer func() { _ = draft.List.Close() }()
	b, _, err := desk.Create(g.Context(), draft)
	if err != nil {
		g.Fatal(err)
	}
	g.until("the broadcast has ended", func() bool {
		now, err := desk.Get(g.Context(), b.ID)
		return err == nil && now.State == broadcast.Finished
	})
	if _, err := desk.Recall(g.Context(), b.ID, "anna", func(broadcast.Recall) {}); err != nil {
		g.Fatal(err)
	}
	g.look()
}

func TestEveryKeyEndsOrIsBounded(t *testing.T) {
	t.Parallel()
	g := newGrowth(t)
	rejected := g.messages()
	g.AuditWhenDue(t.Context())
	old := g.send("old", "a", producer.Options{})
	g.compatible()
	g.picture()
	g.broadcast()
	g.operator(rejected)
	g.until("the app that leaves has sent", func() bool { return g.state(old) == tasks.Accepted })
	g.forget("old")
	g.until("webhooks have nothing left", func() bool { return g.Redis.Exists(t.Context(), keys.WebhookDue("ops")).Val() == 0 })
	for _, priority := range tasks.Priorities() {
		g.tasksAreListed(tasks.Queue("ops", priority))
	}
	g.webhooksRest()
	for _, row := range g.rows {
		if !row.met {
			t.Errorf("no traffic of this test made %s", row.names)
		}
	}
}
