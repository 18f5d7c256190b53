package main

import (
	"fmt"
	"path/filepath"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// sendOnceInBrowser goes astray in the form of a broadcast: with a list too many, back to
// what was sent, and to the button of an earlier check in another tab.
func (l *landscape) sendOnceInBrowser(tab, other *tab) {
	l.Helper()
	const check, told = `form.draft button`, "This has been sent already"
	before := len(l.messages())
	csv := filepath.Join(l.TempDir(), "people.csv")
	l.write(csv, "anna\nbert\n")
	file := chromedp.SetUploadFiles(`input[name=file]`, []string{csv})
	noText := chromedp.Evaluate(`document.querySelector("textarea[name=pasted]").value = ""`, nil)

	tab.openForm()
	key, written := js[string](tab, `document.querySelector("input[name=key]").value`), js[int](tab, `navigation.currentEntry.index`)
	tab.run("write", chromedp.SendKeys(`textarea[name=content]`, "once"), chromedp.SendKeys(`textarea[name=pasted]`, "carl"))
	tab.run("check", chromedp.Click(check), chromedp.WaitVisible(`#checked`))
	tab.run("check two lists", file, chromedp.Click(check), chromedp.WaitVisible(`.reason.bad`))
	tab.awaitText("list: there are two")
	if js[bool](tab, `document.querySelector("#checked") !== null`) {
		l.Error("one of two lists can be sent to")
	}

	other.run("the form in another tab", chromedp.Navigate(js[string](tab, `location.href`)), chromedp.WaitVisible(check),
		chromedp.SetValue(`input[name=key]`, key), chromedp.SendKeys(`textarea[name=content]`, "never"), chromedp.SendKeys(`textarea[name=pasted]`, "carl"),
		chromedp.Click(check), chromedp.WaitVisible(`#checked`))

	tab.run("check one list", page.BringToFront(), noText, file, chromedp.Click(check), chromedp.WaitVisible(`#checked`))
	tab.run("send", chromedp.Click(`#checked button`), chromedp.WaitVisible(`.progress`))
	tab.awaitText("finished") // by itself
	other.run("press the old button", page.BringToFront(), chromedp.Click(`#checked button`), chromedp.WaitVisible(`.fault`))
	other.awaitText("Another check of this form was sent")

	tab.run("leave the other tab", page.BringToFront())
	_ = chromedp.Run(tab.ctx, chromedp.NavigateBack()) // chromium asks whether to send the form again
	tab.run("send the form again", chromedp.Reload(), chromedp.WaitVisible(check))
	tab.awaitText(told)
	tab.run("check it again", file, chromedp.Click(check), chromedp.WaitVisible(`.reason.warn`))
	tab.awaitText(told)
	back := fmt.Sprintf(`history.go(%d - navigation.currentEntry.index)`, written)
	tab.run("back to where it was written", chromedp.Evaluate(back, nil), chromedp.WaitNotPresent(`.reason`), chromedp.WaitVisible(check))
	if first := js[string](tab, `document.querySelector("input[name=key]").value`); first != key {
		l.Errorf("going back makes another form, %s, of %s", first, key)
	}
	tab.run("check it", noText, file, chromedp.Click(check), chromedp.WaitVisible(`.reason.warn`))
	tab.awaitText(told)
	if js[bool](tab, `document.querySelector("#checked") !== null`) {
		l.Error("it can be sent again")
	}
	if n := len(l.messages()) - before; n != 1 {
		l.Errorf("WeCom has got %d messages, want 1", n)
	}
}
