package pages_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// broadcast creates a broadcast of a text to some users.
func (b *bundle) broadcast(app, text string, change func(*broadcast.Spec), users ...string) string {
	b.Helper()
	template, err := compose.TextTemplate(message.TypeText, text)
	if err != nil {
		b.Fatal(err)
	}
	list, err := compose.Compile(b.Context(), strings.NewReader("userid\n"+strings.Join(users, "\n")), template, compose.Options{TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	spec := broadcast.Spec{Template: template, CreatedBy: "anna"}
	if change != nil {
		change(&spec)
	}
	created, _, err := b.Broadcasts(b.App(app)).Create(b.Context(), broadcast.Draft{Spec: spec, List: list})
	if err != nil {
		b.Fatal(err)
	}
	return created.ID
}

func TestBroadcastsAreListedWithTheirProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, restricted := b.open(admin), b.open(reader)
	w.want(w.get("/broadcasts"), http.StatusOK, "No broadcasts.")
	mine, theirs := b.broadcast("ops", "hello", nil, "u1", "u2"), b.broadcast("hr", "hello", nil, "u1")
	w = b.open(admin)
	b.until("the lists of both apps are fresh", func() bool {
		page := w.get("/broadcasts").body
		return strings.Contains(page, mine) && strings.Contains(page, theirs)
	})
	w.want(w.get("/broadcasts"), http.StatusOK, `href="/broadcasts/`+mine+`"`, "2 recipients", "anna", ">running<", `class="seg-pending"`, "It ends to", "data-live")
	restricted.want(restricted.get("/broadcasts"), http.StatusOK, mine, "not "+theirs, "not New broadcast")
	restricted.want(restricted.get("/broadcasts/"+theirs), http.StatusNotFound, "Broadcast not found")
	restricted.want(restricted.get("/broadcasts/"+theirs+"/report"), http.StatusNotFound, "Broadcast not found")
	restricted.want(restricted.get("/broadcasts/nonsense"), http.StatusNotFound)
	if a := restricted.get("/messages?q=" + mine + ".0.0"); a.location() != "/broadcasts/"+mine {
		t.Errorf("search for a call: HTTP %d to %q", a.status, a.location())
	}
	link := `href="/broadcasts/%s?recipient=u1"`
	w.want(w.get("/messages?q=U1"), http.StatusOK, fmt.Sprintf(link, mine), fmt.Sprintf(link, theirs), "<b>pending</b>")
	restricted.want(restricted.get("/messages?q=U1"), http.StatusOK, fmt.Sprintf(link, mine), "not "+theirs)
	w.want(w.get("/messages?q=U1&app=hr"), http.StatusOK, fmt.Sprintf(link, theirs), "not "+mine)
}

func TestABroadcastsPageTellsHowItGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.broadcast("ops", "hi "+attack, func(s *broadcast.Spec) { s.Rate = 1 }, "zhang.san", "li.si", "wang.wu")
	minute := time.Now().Add(-5*time.Minute).Unix() / 60
	b.Redis.HSet(t.Context(), keys.BroadcastMinutes("ops", id), fmt.Sprintf("%d ok", minute), 3, fmt.Sprintf("%d failed", minute+2), 1)
	b.Redis.HSet(t.Context(), keys.Broadcast("ops", id), "accepted", 1, "rejected", 1, "errcode:81013", 1)
	w := b.open(reader)
	w.want(w.get("/broadcasts/"+id), http.StatusOK,
		"<b>1</b> accepted", "<b>1</b> rejected", "<b>1</b> pending", "33.3", "At its own rate it ends", "<code>81013</code>", "Correct the recipients",
		`<rect class="ok"`, `<rect class="failed"`, "4 calls", "hi &lt;script&gt;", "not "+attack, "Created", "anna", "not /pause", "data-live")
	w.want(w.get("/broadcasts/"+id+"?recipient=ZHANG.SAN"), http.StatusOK, "<b>pending</b>", "not data-live")
	w.want(w.get("/broadcasts/"+id+"?recipient=%3Cb%3E"), http.StatusOK, "Not on the list:", "&lt;b&gt;")
	w.want(w.get("/broadcasts/"+id+"?lang=zh"), http.StatusOK, "按设定速率，预计", "群发", "待发送")
	a := w.get("/broadcasts/" + id + "/report?format=csv")
	w.want(a, http.StatusOK, "\uFEFFrecipient,state,errcode,errmsg,msgid,at", "li.si,pending")
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="`+id+`.csv"` {
		t.Errorf("Content-Disposition %q", got)
	}
	w.want(w.get("/broadcasts/"+id+"/report?format=ndjson"), http.StatusOK, `{"recipient":"li.si","state":"pending"`)
}

func TestABroadcastIsSteeredByButtons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.broadcast("ops", "hello", nil, "u1")
	looker, w := b.open(reader), b.open(operator)
	path := "/broadcasts/" + id
	looker.want(looker.post(path+"/pause"), http.StatusForbidden)
	for _, step := range []struct{ button, done, state string }{
		{"pause", "paused", ">paused<"}, {"resume", "resumed", ">running<"}, {"cancel", "broadcast-cancelled", ">cancelled<"},
	} {
		w.want(w.get(path), http.StatusOK, `action="`+path+"/"+step.button+`"`)
		if a := w.post(path + "/" + step.button); a.location() != path+"?done="+step.done {
			t.Errorf("%s: HTTP %d to %q: %s", step.button, a.status, a.location(), a.body)
		}
		w.want(w.get(path+"?done="+step.done), http.StatusOK, step.state, `class="notice"`)
	}
	w.want(w.get(path), http.StatusOK, "<b>operator-token</b>", "not /resume\"", "not data-live")
	w.want(w.post(path+"/resume"), http.StatusConflict, "Not possible now", "it cannot be resumed")
}

func TestSomebodyElseApprovesABroadcast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	needs := func(creator string) func(*broadcast.Spec) {
		return func(s *broadcast.Spec) { s.NeedsApproval, s.CreatedBy = true, creator }
	}
	id, own := b.broadcast("ops", "hello", needs("anna"), "u1"), b.broadcast("ops", "hello there", needs(approver), "u1")
	w, other := b.open(approver), b.open(operator)
	other.want(other.get("/broadcasts/"+id), http.StatusOK, "It waits for an approval", "not /approve\"")
	other.want(other.post("/broadcasts/"+id+"/approve"), http.StatusForbidden)
	w.want(w.get("/broadcasts/"+own), http.StatusOK, "Somebody else must approve it", "not /approve\"")
	w.want(w.post("/broadcasts/"+own+"/approve"), http.StatusConflict, "somebody else must")
	w.want(w.get("/broadcasts/"+id), http.StatusOK, ">waits for approval<", "1 of today&#39;s 190, used 0", `action="/broadcasts/`+id+`/approve"`)
	w.post("/broadcasts/" + id + "/approve")
	w.want(w.get("/broadcasts/"+id), http.StatusOK, ">running<", "Approved", "<b>"+approver+"</b>")
}

var startForm = regexp.MustCompile(`action="(/broadcasts/[^"]+)/start" method="post"><input type="hidden" name="digest" value="([0-9a-f]+)">`)

func TestABroadcastIsCheckedAndThenSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	w.want(w.get(w.get("/broadcasts/new").location()), http.StatusOK, `enctype="multipart/form-data"`, "<option>hr</option>", "not id=\"checked\"")
	list := "userid,name\nzhang.san,<b>张</b>\nLi.Si,李\nli.si,重复\n"
	a := w.submit(false, list, "key", "k1", "app", "ops", "type", "text", "content", "你好 {{.name}}")
	w.want(a, http.StatusOK, "<b>2</b> in 2 calls", "each sent once", "line 4", "first in line 3", "你好 &lt;b&gt;张", "It ends to", "Send to 2 people", "zhang.san,&lt;b&gt;")
	first := startForm.FindStringSubmatch(a.body)
	a = w.submit(true, "u1\nu2\nu3\n", "key", "k1", "app", "ops", "type", "text", "content", "hello")
	w.want(a, http.StatusOK, "<b>3</b> in 1 calls", "choose or paste the list again")
	second := startForm.FindStringSubmatch(a.body)
	if first == nil || second == nil || first[1] != second[1] {
		t.Fatalf("forms %q and %q", first, second)
	}
	w.want(w.get("/broadcasts"), http.StatusOK, "No broadcasts.")
	w.want(w.post(first[1]+"/start", "digest", first[2]), http.StatusConflict, "It has changed since it was checked")
	other := b.open(admin)
	other.want(other.post(second[1]+"/start", "digest", second[2]), http.StatusForbidden)
	for range 2 {
		if a := w.post(second[1]+"/start", "digest", second[2]); a.location() != second[1]+"?done=created" {
			t.Fatalf("HTTP %d to %q: %s", a.status, a.location(), a.body)
		}
	}
	w.want(w.get(second[1]+"?done=created"), http.StatusOK, ">running<", "3 recipients", "<b>operator-token</b>")
	again := startForm.FindStringSubmatch(w.submit(true, "u1\n", "key", "k1", "app", "ops", "type", "text", "content", "hello").body)
	if again == nil || again[1] == second[1] {
		t.Errorf("after it was sent, the form makes %q", again)
	}
}

// ended creates a broadcast of a text to some users in one call, which has ended with s.
func (b *bundle) ended(text string, s tasks.Settlement, users ...string) string {
	b.Helper()
	id := b.broadcast("ops", text, nil, users...)
	if _, err := b.Broadcasts(b.App("ops")).Feed(b.Context(), id); err != nil {
		b.Fatal(err)
	}
	b.settle("ops", id+".0.0", s)
	return id
}

func TestABroadcastIsSentAgainToThoseWhoHaveNotGotIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.ended("hello", tasks.Settlement{State: tasks.Rejected, ErrCode: 60020, ErrMsg: "not allow to access from your ip"}, "u1", "u2", "u3")
	path := "/broadcasts/" + id
	other, w := b.open(operator), b.open(admin)
	other.want(other.get(path), http.StatusOK, ">finished<", "not /replay\"", "not /recall\"")
	other.want(other.post(path+"/replay"), http.StatusForbidden)
	w.want(w.get(path), http.StatusOK, `action="`+path+`/replay"`, "everyone who has not received it (3)", `<option value="60020">60020`, "(3)</option>", "not name=\"unknown\"")
	w.want(w.post(path+"/replay", "errcode", "81013"), http.StatusConflict, "no recipients to replay it for")
	w.want(w.post(path+"/replay", "errcode", "x"), http.StatusConflict, "is no number")
	again := w.post(path+"/replay", "errcode", "60020").location()
	if !strings.HasPrefix(again, "/broadcasts/ops-B") || strings.HasPrefix(again, path) || !strings.HasSuffix(again, "?done=sent-again") {
		t.Fatalf("it leads to %q", again)
	}
	w.want(w.get(again), http.StatusOK, "3 recipients", `<a href="`+path+`">`, "goes to those who did not receive")
	if repeat := w.post(path+"/replay", "errcode", "60020").location(); repeat != again+"-before" {
		t.Errorf("a repeat leads to %q", repeat)
	}
}

func TestABroadcastIsRecalledAndFoundByItsMsgID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sent, err := b.Client("ops").SendText(daemontest.Text("u1", "hello"))
	if err != nil {
		t.Fatal(err)
	}
	accepted := func(msgid string) tasks.Settlement {
		return tasks.Settlement{State: tasks.Accepted, MsgID: msgid, Recipients: tasks.Recipients{Accepted: 3}}
	}
	id := b.ended("hello", accepted(sent.MsgID), "u1", "u2", "u3")
	path := "/broadcasts/" + id
	w, looker := b.open(operator), b.open(reader)
	if got := looker.get("/messages?q=" + sent.MsgID).location(); got != path+"?recipient="+sent.MsgID {
		t.Errorf("its msgid leads to %q", got)
	}
	looker.want(looker.get(path+"?recipient="+sent.MsgID), http.StatusOK, `<span class="who">u1</span>`, "and others in this call: 2", "not /recall\"")
	looker.want(looker.get(path+"?recipient="+strings.Repeat("x", 86)), http.StatusOK, "Not on the list:")
	looker.want(looker.get("/messages?q="+strings.Repeat("x", 86)), http.StatusOK, "No messages.")
	looker.want(looker.post(path+"/recall"), http.StatusForbidden)
	other := b.open(writer) // of anna's
	for _, act := range []string{"recall", "pause", "cancel"} {
		other.want(other.post(path+"/"+act), http.StatusConflict, "was not sent by token")
	}
	w.want(w.get(path), http.StatusOK, `class="grave"`, `action="`+path+`/recall"`, "This cannot be undone", "not /replay\"")
	if got := w.post(path + "/recall").location(); got != path+"?done=broadcast-recalled" {
		t.Errorf("the recall leads to %q", got)
	}
	w.want(w.get(path+"?lang=zh"), http.StatusOK, "<b>1</b> 次调用已撤回", "not /recall\"")
	refused := "/broadcasts/" + b.ended("bye", accepted(strings.Repeat("y", 86)), "u1", "u2", "u3")
	w.want(w.post(refused+"/recall"), http.StatusConflict, "企业微信未能全部撤回", "invalid msgid")
}

func TestABroadcastOfAPictureIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	const picture = "\x89PNG\r\n\x1a\n and the rest"
	image := []string{"key", "k", "app", "ops", "type", "image"}
	w.want(w.submit(false, "u1\n", image...), http.StatusUnprocessableEntity, "file: missing")
	w.want(w.submit(false, "u1\n", append(image, "upload", "no picture")...), http.StatusUnprocessableEntity, "file: ", "u1\n</textarea>")
	a := w.submit(false, "u1\nu2\n", append(image, "upload", picture)...)
	w.want(a, http.StatusOK, "<b>2</b> in 1 calls", "The file of the last check is kept")
	shown := regexp.MustCompile(`<img src="(/broadcasts/[^"]+/file)"`).FindStringSubmatch(a.body)
	kept := regexp.MustCompile(`name="media" value="(sha256:[0-9a-f]{64})"`).FindStringSubmatch(a.body)
	if shown == nil || kept == nil {
		t.Fatalf("the check shows %s", a.body)
	}
	if got := w.get(shown[1]); got.body != picture || got.header.Get("Content-Type") != "image/png" {
		t.Errorf("the picture is %q, %s", got.body, got.header.Get("Content-Type"))
	}
	a = w.submit(false, "u1\nu2\nu3\n", append(image, "media", kept[1], "media_type", "image")...) // browsers do not resend the file
	form := startForm.FindStringSubmatch(a.body)
	if form == nil {
		t.Fatalf("checked again: %s", a.body)
	}
	w.post(form[1]+"/start", "digest", form[2])
	w.want(w.get(form[1]), http.StatusOK, ">running<", "image · 3 recipients", shown[1])
	a = w.submit(false, "u1\n", "key", "k2", "app", "ops", "type", "file", "upload", "a plan")
	w.want(a, http.StatusOK, "/file\" download>plan.png</a>")
}

func TestABroadcastOfAVoiceOrAVideoIsWritten(t *testing.T) {
	t.Parallel()
	const voice, video = "#!AMR\n\x04", "\x00\x00\x00\x18ftypmp42 and the rest"
	for _, tc := range []struct {
		kind, file, problem string
		tooLarge            string
		fields, shows       []string
		link, contentType   string
	}{
		{
			kind: "voice", file: voice, problem: "file: plan.png: not an AMR", tooLarge: voice + strings.Repeat("\x04", wecom.MaxVoiceBytes),
			link: `<a href="(/broadcasts/[^"]+/file)" download>voice</a>`, contentType: "audio/amr",
		},
		{
			kind: "video", file: video, problem: "file: plan.png: not an MP4", tooLarge: video + strings.Repeat("x", wecom.MaxVideoBytes),
			fields: []string{"title", "Hello {{.userid}}", "description", "a minute about us"},
			shows:  []string{">Hello u1</b>", ">a minute about us</div>"},
			link:   `<video src="(/broadcasts/[^"]+/file)" controls`, contentType: "video/mp4",
		},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			t.Parallel()
			w := setup(t).open(operator)
			form := append([]string{"key", "k", "app", "ops", "type", tc.kind}, tc.fields...)
			w.want(w.submit(false, "u1\n", form...), http.StatusUnprocessableEntity, "file: missing")
			w.want(w.submit(false, "u1\n", append(form, "upload", "no such thing")...), http.StatusUnprocessableEntity, tc.problem)
			w.want(w.submit(false, "u1\n", append(form, "upload", tc.tooLarge)...), http.StatusUnprocessableEntity, "The "+tc.kind+" was refused", "bytes")
			a := w.submit(false, "userid\nu1\n", append(form, "upload", tc.file)...)
			w.want(a, http.StatusOK, tc.shows...)
			link, start := regexp.MustCompile(tc.link).FindStringSubmatch(a.body), startForm.FindStringSubmatch(a.body)
			if link == nil || start == nil {
				t.Fatalf("the check shows %s", a.body)
			}
			if got := w.get(link[1]); got.body != tc.file || got.header.Get("Content-Type") != tc.contentType {
				t.Errorf("the file is %q, %s", got.body, got.header.Get("Content-Type"))
			}
			w.post(start[1]+"/start", "digest", start[2])
			w.want(w.get(start[1]), http.StatusOK, ">running<", tc.kind+" · 1 recipients")
		})
	}
}

func TestAFaultyBroadcastIsNotStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	text := []string{"key", "k1", "app", "ops", "type", "text", "content", "hi {{.name}}"}
	w.want(w.submit(false, "userid,name\nok,a\nwrong user,b\n", text...), http.StatusUnprocessableEntity,
		"The list has problems", "1 rows with a problem", "line 3", "not Send to", "wrong user,b")
	w.want(w.submit(false, "userid,name\nok,a\nwrong user,b\n", append(text, "skip", "on")...), http.StatusOK, "1 rows with a problem", "Send to 1 people")
	w.want(w.submit(false, "userid\nok\n", text...), http.StatusUnprocessableEntity, "the list does not have it")
	w.want(w.submit(false, " \n", text...), http.StatusUnprocessableEntity, "list: missing")
	w.want(w.submit(false, "u1\n", "app", "none", "type", "text"), http.StatusUnprocessableEntity, "is not one that you may use")
	w.want(w.submit(false, "u1\n", "app", "ops", "type", "textcard", "title", "t", "at", "2020-01-01T10:00", "rate", "x", "hours", "9"), http.StatusUnprocessableEntity,
		"textcard.url", "has passed", "is not a number of recipients", "is not like 09:00-18:00", "not Send to")
	w.want(b.open(reader).get("/broadcasts/new"), http.StatusForbidden)
}

func TestALargeBroadcastNeedsApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	list := ""
	for i := range approvalAbove + 1 {
		list += fmt.Sprintf("u%d\n", i)
	}
	a := w.submit(true, list, "key", "k", "app", "ops", "type", "news", "title", "t", "url", "https://example.com/x", "picture", "https://pic.example.com/p.png")
	w.want(a, http.StatusOK, "somebody else must approve it", "Ask for approval to send to 251 people", "pic.example.com", "not <img", "At today&#39;s quota it ends tomorrow 00:")
	form := startForm.FindStringSubmatch(a.body)
	w.want(w.get(form[1]), http.StatusOK, "It is checked and not sent yet")
	w.post(form[1]+"/start", "digest", form[2])
	w.want(w.get(form[1]), http.StatusOK, ">waits for approval<")
}
