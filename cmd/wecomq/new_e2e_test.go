package main

import (
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom"
)

// sendButton sends the checked broadcast.
const sendButton = `#checked form[action$="/start"] button`

// check submits the form for a check, and waits for the resulting page, which may look like the one before.
func (t *tab) check(what string, actions ...chromedp.Action) {
	t.Helper()
	t.run(what, append(actions, chromedp.Evaluate(`document.documentElement.dataset.old = ""`, nil), chromedp.Click(`form.draft button`),
		chromedp.WaitVisible(`html:not([data-old]) form.draft`))...)
}

// entry is the tab's position in its history.
func (t *tab) entry() int64 {
	t.Helper()
	var at int64
	var entries []*page.NavigationEntry
	t.run("read the history", chromedp.NavigationEntries(&at, &entries))
	return entries[at].ID
}

// sendOnceInBrowser makes mistakes with the form of a broadcast: it gives two lists, goes back to a broadcast
// that was sent, and uses the button of an earlier check in another tab.
func (l *landscape) sendOnceInBrowser(tab, other *tab) {
	l.Helper()
	const told = "This has been sent already"
	before := len(l.messages())
	csv := filepath.Join(l.TempDir(), "people.csv")
	l.write(csv, "anna\nbert\n")
	file := chromedp.SetUploadFiles(`input[name=file]`, []string{csv})
	noText := chromedp.Evaluate(`document.querySelector("textarea[name=pasted]").value = ""`, nil)

	tab.openForm()
	key, written := js[string](tab, `document.querySelector("input[name=key]").value`), tab.entry()
	tab.run("write", chromedp.SendKeys(`textarea[name=content]`, "once"), chromedp.SendKeys(`textarea[name=pasted]`, "carl"))
	tab.check("check")
	tab.check("check two lists", file)
	tab.awaitText("list: given twice")
	if js[bool](tab, `document.querySelector("#checked") !== null`) {
		l.Error("one of two lists can be sent to")
	}

	other.run("the form in another tab", chromedp.Navigate(js[string](tab, `new URL("/broadcasts/new?form=`+key+`", location).href`)), chromedp.WaitVisible(`form.draft`),
		chromedp.SendKeys(`textarea[name=content]`, "never"), chromedp.SendKeys(`textarea[name=pasted]`, "carl"))
	other.check("check in another tab")

	tab.check("check one list", page.BringToFront(), noText, file)
	tab.run("send", chromedp.Click(sendButton), chromedp.WaitVisible(`.progress`))
	tab.awaitText("finished") // by itself
	other.run("press the old button", page.BringToFront(), chromedp.Click(sendButton), chromedp.WaitVisible(`.fault`))
	other.awaitText("Another check of this form has been sent")

	tab.run("leave the other tab", page.BringToFront())
	_ = chromedp.Run(tab.ctx, chromedp.NavigateBack()) // chromium asks whether to send the form again
	tab.run("send the form again", chromedp.Reload(), chromedp.WaitVisible(`form.draft`))
	tab.awaitText(told)
	tab.check("check it again", file)
	tab.awaitText(told)
	tab.run("back to where it was written", chromedp.NavigateToHistoryEntry(written))
	if first := js[string](tab, `document.querySelector("input[name=key]").value`); first != key {
		l.Errorf("going back makes another form, %s, of %s", first, key)
	}
	tab.check("check it", noText, file)
	tab.awaitText(told)
	if js[bool](tab, `document.querySelector("#checked") !== null`) {
		l.Error("it can be sent again")
	}
	if n := len(l.messages()) - before; n != 1 {
		l.Errorf("WeCom has got %d messages, want 1", n)
	}
}

// logInAgainInBrowser finds its text again in a form whose session has ended.
func (l *landscape) logInAgainInBrowser(tab *tab) {
	l.Helper()
	const content = `textarea[name=content]`
	tab.openForm()
	written := tab.entry()
	tab.run("write", chromedp.SendKeys(content, "still here"), network.ClearBrowserCookies())
	tab.run("check", chromedp.Click(`form.draft button`), chromedp.WaitVisible(`form.login`))
	tab.awaitText("Your session has ended")
	tab.run("log in", chromedp.SendKeys(`input[name=token]`, gatewayToken), chromedp.Click(`form.login button`), chromedp.WaitVisible(`#app-ops`))
	tab.run("go back", chromedp.NavigateToHistoryEntry(written))
	if text := js[string](tab, `document.querySelector("`+content+`").value`); text != "still here" {
		l.Errorf("the form has %q", text)
	}
}

// chooseFilesInBrowser is told that a file is too large before it is sent, stops the browser while it sends
// another one, and sees the first.
func (l *landscape) chooseFilesInBrowser(tab *tab) {
	l.Helper()
	const upload, button = `input[name=upload]`, `form.draft button`
	large, small := filepath.Join(l.TempDir(), "large.png"), filepath.Join(l.TempDir(), "small.png")
	l.write(small, "\x89PNG\r\n\x1a\n and the rest")
	l.write(large, "\x89PNG\r\n\x1a\n"+strings.Repeat("x", wecom.MaxImageBytes))
	tab.openForm()
	tab.run("choose a large file", chromedp.SetValue(`select[name=type]`, "image"), chromedp.WaitVisible(upload),
		chromedp.SetUploadFiles(upload, []string{large}), chromedp.SendKeys(`textarea[name=pasted]`, "viewer"), chromedp.Click(button))
	if told := js[string](tab, `location.search.slice(0, 6) + document.querySelector("`+upload+`").validationMessage`); !strings.HasPrefix(told, "?form=The file is larger") {
		l.Errorf("of a file that is too large it says %q", told)
	}
	if types := js[string](tab, `document.querySelector("`+upload+`").accept`); types != "image/jpeg,image/png" {
		l.Errorf("for a picture it offers %q", types)
	}
	disabled := func() int { return js[int](tab, `document.querySelectorAll("button:disabled").length`) }
	tab.run("choose a small one, and send nothing, as if the browser was stopped", chromedp.SetUploadFiles(upload, []string{small}),
		chromedp.Evaluate(`document.querySelector("form.draft").dispatchEvent(new Event("submit", { bubbles: true }))`, nil))
	waittest.Until(l.T, "the button is pressed", func() bool { return disabled() == 1 })
	tab.run("go on writing", chromedp.SendKeys(`textarea[name=pasted]`, "2"))
	if n := disabled(); n != 0 {
		l.Errorf("%d buttons cannot be pressed any more", n)
	}
	tab.check("check")
	tab.run("see it", chromedp.WaitVisible(`#checked img`))
	tab.run("test it", chromedp.SendKeys(`#checked input[name=to]`, "tester"), chromedp.Click(`form[action$="/test"] button`),
		chromedp.WaitVisible(`.notice`), chromedp.WaitVisible(sendButton))
}

// playInBrowser watches a video on a page that refreshes itself.
func (l *landscape) playInBrowser(tab *tab) {
	l.Helper()
	l.writeBroadcast(tab, "userid,name\nslow1,a\nslow2,b\n", "slowly {{.name}}", "1")
	tab.run("send", chromedp.Click(sendButton), chromedp.WaitVisible(`.progress`))
	const play, refreshes = `(async () => {
		const canvas = document.createElement("canvas"), video = document.createElement("video"), get = fetch;
		canvas.getContext("2d").fillRect(0, 0, 9, 9);
		Object.assign(video, { muted: true, srcObject: canvas.captureStream() });
		document.getElementById("main").append(video);
		window.fetch = (...what) => { window.asked = true; return get(...what); };
		await video.play();
		window.asked = false;
	})()`, `document.dispatchEvent(new Event("visibilitychange")), asked`
	js[any](tab, play)
	if js[bool](tab, refreshes) {
		l.Error("the page is refreshed while a video plays")
	}
	if !js[bool](tab, `document.querySelector("video").pause(), `+refreshes) {
		l.Error("the page is not refreshed when the video pauses")
	}
}
