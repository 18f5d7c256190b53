package pages_test

import (
	"cmp"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/pages"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const attack = `<script>alert("x")</script>` + "\u202e\u009b2J"

func TestOverviewTellsHowTheAppsAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reject("ops", b.send("ops", "gone", "x"))
	b.reject("ops", b.send("ops", "gone", "y"))
	b.settle("ops", b.send("ops", "lisi", "z"), tasks.Settlement{State: tasks.Unknown, ErrMsg: "no answer " + attack})
	b.settle("ops", b.send("ops", "lisi", "z"), tasks.Settlement{State: tasks.Accepted, MsgID: "m1"})
	b.send("hr", "lisi", "waits")
	w := b.open(admin)
	w.want(w.get("/"), http.StatusOK,
		`<th scope="row"><a href="/apps/hr">hr</a></th>`, `<tr id="app-ops"`, `href="/messages?app=hr&amp;state=queued"><b>1</b> queued</a>`,
		"<b>3</b> failed", `href="/dead?app=ops"><b>3</b></a>`, `aria-label="0 calls in the last hour, 3 failed"`, "190 left", "(critical 200)",
		"not /pause", `href="/dashboard/"`, "running")
	w.want(w.get("/apps/ops"), http.StatusOK,
		"<b>2</b> rejected", "<b>1</b> unknown", "<b>1</b> accepted", "<code>81013</code>", "Correct the recipients",
		"no answer &lt;script&gt;", "not "+attack, `href="/dead?app=ops"`, `action="/apps/ops/pause"`, `class="grave"`, "critical <b>200</b> · default <b>190</b>")
	other := b.open(reader)
	other.want(other.get("/"), http.StatusOK, `id="app-ops"`, "not app-hr", "not /dashboard/")
	other.want(other.get("/apps/ops"), http.StatusOK, "not /pause")
	other.want(other.get("/apps/hr"), http.StatusForbidden)
	part := other.get("/?part=main")
	other.want(part, http.StatusOK, `id="app-ops"`, "not <html", "not <nav")
}

func TestSearchFindsMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, theirs := b.send("ops", "Zhang.San|lisi", "x"), b.send("hr", "zhang.san", "y")
	b.settle("ops", mine, tasks.Settlement{State: tasks.Accepted, MsgID: "msgid-1"})
	b.settle("hr", theirs, tasks.Settlement{State: tasks.Accepted, MsgID: "msgid-2"})
	third, confusing := b.send("ops", "wang.wu", "z"), "CzoK-"+strings.Repeat("x", 55)+"B"+strings.Repeat("x", 25) // like the id of a broadcast
	b.settle("ops", third, tasks.Settlement{State: tasks.Accepted, MsgID: confusing})
	w, restricted := b.open(admin), b.open(reader)
	for query, want := range map[string]string{confusing: third, mine: mine, mine + ".2": mine, "msgid-1": mine, "msgid-2": theirs} {
		if a := w.get("/messages?q=" + query); a.location() != "/messages/"+want {
			t.Errorf("search for %s: HTTP %d to %q", query, a.status, a.location())
		}
	}
	w.want(w.get("/messages?q=zhang.san"), http.StatusOK, mine, theirs, `value="zhang.san"`)
	w.want(w.get("/messages?q=zhang.san&app=hr"), http.StatusOK, "not "+mine, theirs)
	w.want(w.get("/messages?state=rejected"), http.StatusOK, "No messages.", "not "+mine)
	w.want(w.get("/messages"), http.StatusOK, mine, theirs)
	w.want(w.get("/messages?q=%3Cscript%3Ealert(1)%3C/script%3E"), http.StatusOK, "&lt;script&gt;", "not <script>alert")
	w.want(w.get("/messages?q="+strings.Repeat("x", 5000)), http.StatusOK)

	restricted.want(restricted.get("/messages?q=zhang.san"), http.StatusOK, mine, "not "+theirs)
	restricted.want(restricted.get("/messages?q=zhang.san&app=hr"), http.StatusOK, mine, "not "+theirs)
	restricted.want(restricted.get("/messages?q=msgid-2"), http.StatusOK, "No messages.")
	restricted.want(restricted.get("/messages?q="+theirs), http.StatusOK, "No messages.")
	restricted.want(restricted.get("/messages/"+theirs), http.StatusNotFound, "Message not found")
	restricted.want(restricted.get("/messages/nonsense"), http.StatusNotFound)
}

func TestAListGoesOnToOlderMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.send("ops", "lisi", "the first")
	b.settle("ops", first, tasks.Settlement{State: tasks.Accepted, MsgID: "m1"})
	for range 51 {
		b.send("ops", "lisi", "waits")
	}
	b.send("hr", "lisi", "another app's")
	w := b.open(admin)
	page := w.get("/messages?app=ops&q=lisi")
	w.want(page, http.StatusOK, "Older messages", "not "+first)
	link := regexp.MustCompile(`href="(\?[^"]*cursor=[^"]*)"`).FindStringSubmatch(page.body)
	if link == nil {
		t.Fatalf("no link to older messages: %s", page.body)
	}
	older := w.get("/messages" + html.UnescapeString(link[1]))
	w.want(older, http.StatusOK, first, "not Older messages", "not data-live", "not hr-")
	w.want(w.get("/messages?state=scheduled"), http.StatusOK, "No messages.")
	w.want(w.get("/messages?cursor=nonsense"), http.StatusOK, "Older messages")
}

func TestMessagePageEscapesWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.send("ops", "lisi", attack)
	b.settle("ops", id, tasks.Settlement{
		State: tasks.Rejected, ErrMsg: "failed " + attack, Recipients: tasks.Recipients{Invalid: []string{attack}},
	})
	w := b.open(reader)
	w.want(w.get("/messages/"+id), http.StatusOK, "not "+attack, "not <script>alert", "not \u202e", "not \u009b", "failed &lt;script&gt;alert", "&lt;script&gt;alert(\\&#34;x", "Nobody got it")
}

// Dead letters with the same error are counted and replayed by one button; those that may have arrived have a
// separate one.
func TestDeadLettersAreReplayedByTheirErrcode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var failed []string
	for range 28 {
		failed = append(failed, b.send("ops", "gone", "one of many"))
		b.reject("ops", failed[len(failed)-1])
	}
	other, unknown := b.send("ops", "lisi", "too long"), b.send("ops", "lisi", "perhaps")
	b.settle("ops", other, tasks.Settlement{State: tasks.Rejected, ErrCode: 45002, ErrMsg: "too long"})
	b.settle("ops", unknown, tasks.Settlement{State: tasks.Unknown, ErrMsg: "no answer"})
	w, looker := b.open(admin), b.open(reader)
	looker.want(looker.get("/dead"), http.StatusOK, "28 × ops", "not /dead/ops/replay")
	looker.want(looker.post("/dead/ops/replay", "errcode", "81013", "state", "rejected", "until", "1"), http.StatusForbidden)
	page := w.get("/dead")
	w.want(page, http.StatusOK, "28 × ops", "1 × ops", `action="/dead/ops/replay"`, "Replay these 28", `class="grave"`, "may deliver them twice", "one of many", failed[0])
	w.want(w.get("/dead?errcode=45002"), http.StatusOK, other, "not "+failed[0], "not 28 × ops", "all errcodes, not only")
	until := regexp.MustCompile(`name="until" value="(\d+)"`).FindStringSubmatch(page.body)
	if until == nil {
		t.Fatal(page.body)
	}
	late := b.send("ops", "gone", "failed since")
	b.until("time has passed", func() bool { return strconv.FormatInt(time.Now().UnixMilli(), 10) > until[1] })
	b.reject("ops", late)
	w.want(w.post("/dead/ops/replay", "errcode", "x", "state", "rejected", "until", until[1]), http.StatusConflict)
	w.want(w.post("/dead/ops/replay", "errcode", "0", "state", "accepted", "until", until[1]), http.StatusConflict)
	if a := w.post("/dead/ops/replay", "errcode", "81013", "state", "rejected", "until", until[1]); a.location() != "/dead?app=ops&done=replayed-all" {
		t.Fatalf("HTTP %d to %q: %s", a.status, a.location(), a.body)
	}
	w.want(w.get("/dead?app=ops&done=replayed-all"), http.StatusOK, "Sent again", "1 × ops", late, other, unknown, "not "+failed[0])
	w.want(w.get("/messages/"+failed[0]), http.StatusOK, "It was replayed")
	w.want(w.get("/messages/"+unknown), http.StatusOK, "would get it twice")
}

// Updates of cards are dead letters that no button replays.
func TestUpdatesOfCardsAreNotOfferedForReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reject("ops", b.send("ops", "gone", "a message"))
	for i, code := range []int64{81013, 81013, 42045} {
		update := tasks.Payload{
			ID: "ops-update-" + strconv.Itoa(i), App: "ops", Priority: tasks.Default, Type: tasks.CardUpdateType,
			Body: []byte(`{"userids":["gone"],"response_code":"c","button":{"replace_name":"Done"}}`), UpdateOf: "ops-card", EnqueuedAt: time.Now(),
		}
		if _, err := b.LedgerOf("ops").Settle(t.Context(), update, tasks.Settlement{State: tasks.Rejected, ErrCode: code, ErrMsg: "no"}); err != nil {
			t.Fatal(err)
		}
	}
	w := b.open(admin)
	w.want(w.get("/dead?errcode=81013"), http.StatusOK, "3 × ops", "Replay these 1<")
	w.want(w.get("/dead?errcode=42045"), http.StatusOK, "1 × ops", "ops-update-2", "not /replay")
}

func TestALineOfAListTellsWhatItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	later := b.Send("ops", daemontest.Text("lisi", "see you\n tomorrow "+strings.Repeat("长", 100)), producer.Options{At: time.Now().Add(24 * time.Hour), IdempotencyKey: "meeting"}).ID
	w := b.open(reader)
	w.want(w.get("/messages"), http.StatusOK, "see you tomorrow 长", "长…", "<code class=\"soft\">"+later, ">lisi</span>", "Due 20")
	w.want(w.get("/messages?state=scheduled"), http.StatusOK, later)
	if a := w.get("/messages?q=meeting"); a.location() != "/messages/"+later {
		t.Errorf("its key leads to %q", a.location())
	}
	w.want(w.get("/messages/"+later), http.StatusOK, "<dt>Due</dt>")
}

func TestADeadLetterIsReplayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.send("ops", "lisi", "again")
	b.reject("ops", id)
	looker := b.open(reader)
	looker.want(looker.get("/dead"), http.StatusOK, id, "not /replay")
	looker.want(looker.get("/messages/"+id), http.StatusOK, "not /replay")
	looker.want(looker.post("/messages/"+id+"/replay"), http.StatusForbidden)

	w := b.open(admin)
	w.want(w.get("/dead"), http.StatusOK, `action="/messages/`+id+`/replay"`)
	a := w.post("/messages/" + id + "/replay")
	path, done, _ := strings.Cut(a.location(), "?")
	if a.status != http.StatusSeeOther || done != "done=replayed" || strings.Contains(path, id) {
		t.Fatalf("HTTP %d to %q: %s", a.status, a.location(), a.body)
	}
	w.want(w.get(path+"?"+done), http.StatusOK, "Sent again", "queued", "data-live", "&#34;content&#34;: &#34;again&#34;")
	w.want(w.get("/messages/"+id), http.StatusOK, "It was replayed", `href="`+path+`"`, "not /replay\"")
	w.want(w.get("/dead"), http.StatusOK, "No dead letters")
	if again := w.post("/messages/" + id + "/replay"); again.status != http.StatusSeeOther || !strings.HasPrefix(again.location(), path) {
		t.Errorf("a second replay: HTTP %d to %q", again.status, again.location())
	}
	ok := b.send("ops", strings.Repeat("a|b|c|d|", 2)+"lisi", "fine")
	b.settle("ops", ok, tasks.Settlement{State: tasks.Accepted, MsgID: "m"})
	w.want(w.post("/messages/"+ok+"/replay"), http.StatusConflict, "This message cannot be replayed", "accepted", `href="/?lang=zh"`)
	w.want(w.get("/messages/"+ok), http.StatusOK, ">lisi</span>", "not +2")
	w.want(w.get("/messages"), http.StatusOK, ">a</span>", "+2", "not >lisi</span> +")
}

func TestMessagesAreCancelledAndRecalled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(admin)
	waits := b.send("ops", "lisi", "waits")
	w.want(w.get("/messages/"+waits), http.StatusOK, "/cancel\"", "not /recall\"", `class="grave"`, "What will be sent", "&#34;agentid&#34;: 1000002", "not Who may be missing")
	if a := w.post("/messages/" + waits + "/cancel"); a.location() != "/messages/"+waits+"?done=cancelled" {
		t.Errorf("HTTP %d to %q: %s", a.status, a.location(), a.body)
	}
	w.want(w.get("/messages/"+waits), http.StatusOK, ">cancelled<", "not /cancel\"")

	sent := b.send("ops", "lisi", "sent")
	reply, err := b.Client("ops").SendTextContext(t.Context(), daemontest.Text("lisi", "sent"))
	if err != nil {
		t.Fatal(err)
	}
	b.settle("ops", sent, tasks.Settlement{State: tasks.Accepted, MsgID: reply.MsgID})
	w.want(w.post("/messages/"+sent+"/cancel"), http.StatusConflict, "This message cannot be cancelled", "it has been sent")
	if a := w.post("/messages/" + sent + "/recall"); a.location() != "/messages/"+sent+"?done=recalled" {
		t.Errorf("HTTP %d to %q: %s", a.status, a.location(), a.body)
	}
	w.want(w.get("/messages/"+sent), http.StatusOK, "It was recalled", "not /recall\"")
	if !b.WeCom.Messages()[0].Recalled {
		t.Error("WeCom still has the message")
	}
}

// WeCom accepts a message for a department, and does not report members that it left out.
func TestAMessageToADepartmentSaysWhoMayBeMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(reader)
	for name, to := range map[string]message.SendRequestCommon{"a department": {ToParty: "12"}, "a tag": {ToTag: "3"}, "everyone": {ToUser: "@all"}} {
		id := b.Send("ops", message.SendTextRequest{SendRequestCommon: &to, Text: message.TextField{Content: name}}, producer.Options{}).ID
		w.want(w.get("/messages/"+id), http.StatusOK, "not Who may be missing")
		b.settle("ops", id, tasks.Settlement{State: tasks.Accepted, MsgID: "m" + id})
		w.want(w.get("/messages/"+id), http.StatusOK, "Who may be missing", "What was sent")
	}
	id := b.send("ops", "lisi", "x")
	b.settle("ops", id, tasks.Settlement{State: tasks.Accepted, MsgID: "m"})
	w.want(w.get("/messages/"+id), http.StatusOK, "not Who may be missing")
}

func TestAnAdminPausesAndResumesAnApp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	looker, w := b.open(reader), b.open(admin)
	looker.want(looker.post("/apps/ops/pause"), http.StatusForbidden)
	w.want(w.post("/apps/none/pause"), http.StatusForbidden)
	if a := w.post("/apps/ops/pause"); a.location() != "/apps/ops?done=paused" {
		t.Fatalf("HTTP %d to %q", a.status, a.location())
	}
	w.want(w.get("/apps/ops?done=paused"), http.StatusOK, ">paused<", "nothing new is sent", `action="/apps/ops/resume"`)
	w.want(w.get("/?lang=zh"), http.StatusOK, "已暂停：0 条消息在等待", "1 个停滞")
	w.want(w.get("/?lang=en"), http.StatusOK, "paused: 0 messages wait")
	w.post("/apps/ops/resume")
	w.want(w.get("/"), http.StatusOK, "not >paused<")
	w.want(w.get("/?done=%3Cb%3Eyou+won"), http.StatusOK, "not you won", "not notice")
}

func TestPagesSayThatRedisIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(reader)
	b.redis.Single().Kill()
	started := time.Now()
	w.want(w.get("/"), http.StatusServiceUnavailable, "Redis did not answer", "not redis.sock", "not dial")
	w.want(w.get("/messages?part=main"), http.StatusServiceUnavailable, "Redis did not answer")
	if took := time.Since(started); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestReasonsAreInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(reader)
	held := b.send("ops", "chen.li", "x")
	b.settle("ops", held, tasks.Settlement{State: tasks.Held, ErrMsg: "waits for midnight in China: the day quota of the app is used up"})
	w.want(w.get("/messages/"+held+"?lang=en"), http.StatusOK, "waits for midnight in China")
	w.want(w.get("/messages/"+held+"?lang=zh"), http.StatusOK, `">等到北京时间零点`)
	refused := b.send("ops", "chen.li", "y")
	reason := wecom.WithHint(&wecom.Error{API: message.APISend, Code: 60020, Msg: "not allow"})
	b.settle("ops", refused, tasks.Settlement{State: tasks.Rejected, ErrCode: 60020, ErrMsg: reason})
	w.want(w.get("/messages/"+refused+"?lang=zh"), http.StatusOK, wecom.Code(60020).MeaningIn(wecom.Chinese), wecom.Code(60020).HintIn(wecom.Chinese))
}

func TestOverviewShowsTheLastAudit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(reader)
	w.want(w.get("/apps/ops"), http.StatusOK, "not Last audit")
	id := b.send("ops", "chen.li|wang.wu", "x")
	b.settle("ops", id, tasks.Settlement{State: tasks.Held})
	if err := b.Asynq.DeleteTask("ops:default", id); err != nil {
		t.Fatal(err)
	}
	b.AuditWhenDue(t.Context())
	w = b.open(admin)
	waittest.Until(t, "the page is fresh", func() bool { return strings.Contains(w.get("/").body, "inconsistent messages") })
	w.want(w.get("/apps/hr"), http.StatusOK, ">consistent")
	w.want(w.get("/apps/ops"), http.StatusOK, "1 inconsistent messages", "1 messages, 2 recipients, pending 2", `href="/messages/`+id)
	w.want(w.get("/apps/ops?lang=zh"), http.StatusOK, "最近一次核对", "1 条消息核对不一致", "待发送 2")
	w.want(w.get("/apps/hr?lang=zh"), http.StatusOK, "核对一致")
}

func TestPagesComeInTwoLanguages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open("")
	w.want(w.get("/login", "Accept-Language", "fr, zh-CN;q=0.9, en;q=0.8"), http.StatusOK, `<html lang="zh-CN">`, "登录", "not Log in with")
	w.want(w.get("/login", "Accept-Language", "en-GB, zh;q=0.5"), http.StatusOK, `<html lang="en">`)
	w.want(w.get("/login", "Accept-Language", "fr"), http.StatusOK, `<html lang="en">`)
	w.want(w.get("/login?lang=zh&next=%2Fdead"), http.StatusOK, "登录", `href="/login?lang=en&amp;next=%2Fdead"`)
	w.want(w.get("/login", "Accept-Language", "en"), http.StatusOK, "登录")
	w.want(w.get("/login?lang=xx", "Accept-Language", "en"), http.StatusOK, "登录")
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	for _, path := range []string{"/", "/apps/ops", "/messages", "/dead", "/login", "/messages/none", "/broadcasts", "/broadcasts/new"} {
		a := w.get(path)
		if policy := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for _, not := range []string{"http://", "https://", " style=", " onclick=", "<style", "<script>"} {
			if strings.Contains(a.body, not) {
				t.Errorf("%s has %s:\n%s", path, not, a.body)
			}
		}
	}
	for _, file := range []string{"pages.css", "pages.js", "icon.svg"} {
		if a := w.get("/assets/" + file); a.status != http.StatusOK || a.header.Get("Content-Type") == "" {
			t.Errorf("%s: HTTP %d %s", file, a.status, a.header)
		}
	}
	w.want(w.get("/assets/..%2Ftemplates%2Flogin.html"), http.StatusNotFound)
}

func TestRoutesOfWritesAreGuarded(t *testing.T) {
	t.Parallel()
	p, err := pages.New(pages.Config{})
	if err == nil || p != nil {
		t.Fatal("pages without a way to log in")
	}
	p, err = pages.New(pages.Config{Sessions: noSessions{}})
	if err != nil {
		t.Fatal(err)
	}
	open := []string{"/login", "/logout"}
	broadcasts := map[string]config.Scope{
		"/broadcasts/new": config.ScopeSend, "/broadcasts/{id}/test": config.ScopeSend, "/broadcasts/{id}/start": config.ScopeSend, "/broadcasts/{id}/pause": config.ScopeSend, "/broadcasts/{id}/resume": config.ScopeSend, "/broadcasts/{id}/cancel": config.ScopeSend, "/broadcasts/{id}/recall": config.ScopeSend,
		"/broadcasts/{id}/approve": config.ScopeApprove,
	}
	for _, route := range p.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if method == http.MethodPost && (!route.Session || route.Scope != cmp.Or(broadcasts[path], config.ScopeAdmin) && !slices.Contains(open, path)) {
			t.Errorf("%s is open", route.Pattern)
		}
	}
}
