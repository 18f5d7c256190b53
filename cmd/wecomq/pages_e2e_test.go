package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// One chromium is used for everything: starting it takes longer than the tests.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken, spareToken)
	l.revokeAdmin(config)
	gateway := gatewayURL(start(t, l.environ(), "serve", "-c", config))

	dead := l.deadLetter(config, "gone")
	admin := b.open()
	admin.login(gateway, gatewayToken)
	l.replayInBrowser(admin, dead)
	l.broadcastInBrowser(admin)
	l.sendAgainInBrowser(admin)
	l.steerBroadcastInBrowser(admin)
	l.sendVideoInBrowser(admin)
	l.sendOnceInBrowser(admin, b.open())
	l.logInAgainInBrowser(admin)
	l.chooseFilesInBrowser(admin)
	l.playInBrowser(admin)
	l.pauseInDashboard(admin)

	reader := b.open()
	reader.login(gateway, spareToken)
	readOnlyInDashboard(reader, gateway)
	l.lookAtSimulator(b.open(), config)
}

// revokeAdmin leaves the last token of a config only the scope to read.
func (l *landscape) revokeAdmin(config string) {
	l.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		l.Fatal(err)
	}
	const scopes = "[send, read, admin]"
	last := strings.LastIndex(string(text), scopes)
	l.write(config, string(text[:last])+"[read]"+string(text[last+len(scopes):]))
}

// deadLetter sends a message to a user whom the app cannot see yet.
func (l *landscape) deadLetter(config, user string) (id string) {
	l.Helper()
	ask[wecomtest.Rules](l, http.MethodPatch, "/admin/rules", `{"invisible":["`+user+`"]}`)
	id = l.ids(l.run("", "send", "-c", config, "--to-user", user, "--text", "<script>alert('replayed')</script>"))[0]
	l.awaitRecord(config, id, tasks.Rejected)
	ask[wecomtest.Rules](l, http.MethodPatch, "/admin/rules", `{"invisible":[]}`)
	return id
}

// replayInBrowser finds a dead letter by its recipient, replays it and sees the result without reloading the page.
func (l *landscape) replayInBrowser(tab *tab, dead string) {
	l.Helper()
	tab.awaitText("1 failed")
	tab.run("search", chromedp.SendKeys(`input[name=q]`, "gone\r"), chromedp.WaitVisible(`.row[href="/messages/`+dead+`"]`))
	tab.run("open the message", chromedp.Click(`.row[href="/messages/`+dead+`"]`), chromedp.WaitVisible(`.advice`))
	tab.awaitText("Nobody got it")
	tab.run("replay", chromedp.Click(`form[action$="/replay"] button`), chromedp.WaitVisible(`.notice`))
	tab.awaitText("Sent again. This is the new message.")
	tab.awaitText("WeCom accepted it for everyone")
	messages := l.messages()
	if n := len(messages); n != 1 || messages[0].To[0] != "gone" || !strings.Contains(messages[0].Text, "replayed") {
		l.Errorf("WeCom has got %d messages: %+v", n, messages)
	}
	tab.run("see no dead letters", chromedp.Click(`nav a[href="/dead"]`), chromedp.WaitVisible(`.empty`))
}

// broadcastInBrowser writes a broadcast on a phone, checks it, sends it, sees it finish and downloads its
// report, all by mouse and keyboard.
func (l *landscape) broadcastInBrowser(tab *tab) {
	l.Helper()
	before := len(l.messages())
	ask[wecomtest.Rules](l, http.MethodPatch, "/admin/rules", `{"invisible":["new.here"]}`)
	l.writeBroadcast(tab, "userid,name\nzhang.san,张\nli.si,李\nLI.SI,重复\nnew.here,新\n", "**你好** {{.name}}", "")
	tab.awaitText("first in line 3")
	if text := js[string](tab, `document.querySelector(".preview .bubble").innerText`); !strings.HasPrefix(text, "你好 ") {
		l.Errorf("the preview shows %q", text)
	}
	if wide := js[bool](tab, `document.documentElement.scrollWidth > innerWidth`); wide {
		l.Error("the page is wider than a phone")
	}
	tab.run("send", chromedp.Click(sendButton), chromedp.WaitVisible(`.progress`))
	tab.awaitText("finished") // by itself
	tab.awaitText("2 accepted")
	if js[bool](tab, `document.documentElement.scrollWidth > innerWidth`) {
		l.Error("the broadcast's page is wider than a phone")
	}
	if n := len(l.messages()) - before; n != 2 {
		l.Errorf("WeCom has got %d messages, want 2", n)
	}
	tab.run("find a recipient", chromedp.SendKeys(`input[name=recipient]`, "li.si\r"), chromedp.WaitVisible(`p.reason.good`))
	report := js[string](tab, `fetch(document.querySelector("a[download]").href).then(r => r.text())`)
	if lines := strings.Split(strings.TrimSpace(report), "\n"); len(lines) != 4 || !strings.Contains(report, "zhang.san,accepted,0,") {
		l.Errorf("the report is %q", report)
	}
}

// sendAgainInBrowser sends a finished broadcast to those whom it did not reach, and recalls that: a separate
// button, which asks first.
func (l *landscape) sendAgainInBrowser(tab *tab) {
	l.Helper()
	ask[wecomtest.Rules](l, http.MethodPatch, "/admin/rules", `{"invisible":[]}`)
	const again, recall = `form[action$="/replay"] button`, `.grave form[action$="/recall"] button`
	tab.run("send again", chromedp.SetValue(`select[name=errcode]`, "81013"), chromedp.Click(again), chromedp.WaitVisible(`.notice`))
	tab.awaitText("goes to those who did not receive the first one")
	tab.awaitText("finished")                                                                  // by itself
	tab.run("recall", chromedp.Reload(), chromedp.WaitVisible(recall), chromedp.Click(recall)) // once loaded, it no longer changes
	tab.awaitText("1 calls are recalled")
	messages := l.messages()
	if last := messages[len(messages)-1]; last.To[0] != "new.here" || !last.Recalled {
		l.Errorf("the last message is %+v", last)
	}
}

// writeBroadcast fills in the form and submits it for a check.
func (l *landscape) writeBroadcast(tab *tab, list, markdown, rate string) {
	l.Helper()
	tab.openForm()
	tab.run("write", chromedp.SetValue(`select[name=type]`, "markdown"), chromedp.SendKeys(`textarea[name=content]`, markdown),
		chromedp.SetValue(`textarea[name=pasted]`, list), chromedp.SendKeys(`input[name=rate]`, rate))
	if js[bool](tab, `document.querySelector("input[name=title]").checkVisibility()`) {
		l.Error("the form asks for what markdown does not have")
	}
	tab.run("check", chromedp.Click(`form.draft button`), chromedp.WaitVisible(`#checked`))
}

// openForm opens the form of a new broadcast.
func (t *tab) openForm() {
	t.run("open the form", chromedp.Click(`nav a[href="/broadcasts"]`), chromedp.WaitVisible(`a[href="/broadcasts/new"]`),
		chromedp.Click(`a[href="/broadcasts/new"]`), chromedp.WaitVisible(`textarea[name=content]`),
		chromedp.Poll(`document.readyState === "complete"`, nil)) // until then chromium may renumber the elements
}

// sendVideoInBrowser uploads a video with the form and sends it.
func (l *landscape) sendVideoInBrowser(tab *tab) {
	l.Helper()
	video := filepath.Join(l.TempDir(), "tour.mp4")
	l.write(video, "\x00\x00\x00\x18ftypmp42 and the rest")
	tab.openForm()
	tab.run("write", chromedp.SetValue(`select[name=type]`, "video"), chromedp.WaitVisible(`input[name=upload]`),
		chromedp.WaitNotVisible(`textarea[name=content]`), chromedp.SetUploadFiles(`input[name=upload]`, []string{video}),
		chromedp.SendKeys(`input[name=title]`, "Tour"), chromedp.SetValue(`textarea[name=pasted]`, "viewer"))
	tab.run("check", chromedp.Click(`form.draft button`), chromedp.WaitVisible(`#checked video`))
	tab.run("send", chromedp.Click(sendButton), chromedp.WaitVisible(`.progress`))
	tab.awaitText("finished") // by itself
	messages := l.messages()
	if last := messages[len(messages)-1]; last.MsgType != "video" || last.To[0] != "viewer" {
		l.Errorf("the last message is %+v", last)
	}
}

// steerBroadcastInBrowser pauses, resumes and cancels a slow broadcast.
func (l *landscape) steerBroadcastInBrowser(tab *tab) {
	l.Helper()
	l.writeBroadcast(tab, "userid,name\nslow1,a\nslow2,b\nslow3,c\n", "slowly {{.name}}", "1")
	tab.run("send", chromedp.Click(sendButton))
	for _, step := range []struct{ button, state string }{{"pause", "paused"}, {"resume", "running"}, {"cancel", "cancelled"}} {
		button := `form[action$="/` + step.button + `"] button`
		tab.run(step.button, chromedp.WaitVisible(button), chromedp.Click(button), chromedp.WaitVisible(`.notice`))
		tab.awaitText(step.state)
	}
	tab.awaitText("Cancelled for everyone who has not received it")
}

// firstAction reveals and clicks the first button of a queue's row.
const firstAction = `(() => {
	const row = [...document.querySelectorAll("tr")].find(row => row.innerText.includes("ops:default"));
	const cell = row && row.querySelector("td:last-child");
	if (!cell) return false;
	cell.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
	cell.querySelector("button").click();
	return true;
})()`

func (l *landscape) pauseInDashboard(tab *tab) {
	l.Helper()
	tab.run("open the dashboard", chromedp.EmulateViewport(1300, 900), chromedp.Click(`nav a[href="/dashboard/"]`))
	tab.awaitText("ops:default")
	if !js[bool](tab, firstAction) {
		l.Fatalf("no row of the queue:\n%s", tab.text())
	}
	waittest.Until(l.T, "the queue is paused", func() bool { return l.rdb.Exists(l.Context(), "asynq:{ops:default}:paused").Val() == 1 })
	if !js[bool](tab, `fetch("/dashboard/api/queues/ops:default:resume", {method: "POST"}).then(r => r.ok)`) {
		l.Error("the queue is not resumed")
	}
}

func readOnlyInDashboard(tab *tab, gateway string) {
	tab.Helper()
	tab.run("open the dashboard", chromedp.EmulateViewport(1300, 900), chromedp.Navigate(gateway+"/dashboard/"))
	tab.awaitText("ops:default")
	if js[bool](tab, firstActionExists) {
		tab.Error("a reader has buttons")
	}
	if code := js[int](tab, `fetch("/dashboard/api/queues/ops:default:pause", {method: "POST"}).then(r => r.status)`); code != http.StatusMethodNotAllowed {
		tab.Errorf("a reader pauses a queue: HTTP %d", code)
	}
}

const firstActionExists = `(() => {
	const row = [...document.querySelectorAll("tr")].find(row => row.innerText.includes("ops:default"));
	row.querySelectorAll("td").forEach(cell => cell.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})));
	return row.querySelector("button") !== null;
})()`

// lookAtSimulator sees a card arrive on the simulator's page.
func (l *landscape) lookAtSimulator(tab *tab, config string) {
	l.Helper()
	tab.run("open the simulator", chromedp.Navigate(l.url+"/"), chromedp.WaitVisible(`#messages article`))
	tab.awaitText("<script>alert('replayed')</script>")
	card := `{"touser":"zhangsan","msgtype":"template_card","template_card":{"card_type":"text_notice","source":{"desc":"Monitor"},` +
		`"main_title":{"title":"Disk alert","desc":"db-03"},"emphasis_content":{"title":"93%","desc":"used"},` +
		`"jump_list":[{"type":1,"title":"Runbook","url":"https://run.example.com/disk"}],"card_action":{"type":1,"url":"https://mon.example.com/a/1"}}}`
	l.run(card, "send", "-c", config, "-f", "-")
	tab.run("see the card", chromedp.WaitVisible(`.card h3`))
	tab.awaitText("Disk alert")
	if text := js[string](tab, `document.querySelector(".card").innerText`); !strings.Contains(text, "93%") || !strings.Contains(text, "Runbook") {
		l.Errorf("the card shows %q", text)
	}
}
