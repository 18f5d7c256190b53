package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Questions of an operator at 3 a.m., and the answers of the pages on a phone.
func TestFiveQuestionsInABrowser(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{
		Apps: []string{"hr", "ops"}, Rules: wecomtest.Rules{Invisible: []string{"gone"}},
		Tokens: []config.Token{daemontest.Token("admin", []string{"hr", "ops"}, config.ScopeRead, config.ScopeAdmin)},
		Change: func(c *config.Config) {
			c.Apps["ops"].Limits.Seats, c.Apps["ops"].Limits.CriticalReserve = 1, 0.99
			c.Apps["hr"].Limits.CallsPerMinute = 1
		},
	})
	url, _ := d.Start(daemon.Config{Gateway: true, Worker: true})
	first := d.Send("ops", daemontest.Text("chen.li|wang.wu", "x"), producer.Options{})
	await(t, d, first.ID, tasks.Accepted)
	late := d.Send("ops", daemontest.Text("zhang.san", "too late"), producer.Options{})
	await(t, d, late.ID, tasks.Held)
	failed := d.Send("ops", daemontest.Text("gone", "x"), producer.Options{Priority: tasks.Critical})
	await(t, d, failed.ID, tasks.Rejected)
	toParty := d.Send("ops", message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToParty: "12"}, Text: message.TextField{Content: "x"},
	}, producer.Options{Priority: tasks.Critical})
	await(t, d, toParty.ID, tasks.Accepted)
	for range 4 { // one call a minute: they run for a while
		d.Send("hr", daemontest.Text("lisi", "x"), producer.Options{})
	}

	tab := newBrowser(t).open()
	tab.login(url, "admin")
	// Which app is stuck, and why? How much quota is left?
	if first := js[string](tab, `document.querySelector(".apps tbody tr").id`); first != "app-ops" {
		t.Errorf("the first line is %s", first)
	}
	tab.awaitText("the day quota is used up: 1 messages wait, until tomorrow 00:00")
	tab.awaitText("0 left (critical 19")
	if wide := js[bool](tab, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("the page is wider than a phone")
	}
	// What is running, and when does it end?
	if line := js[string](tab, `document.querySelector("#app-hr").innerText`); !strings.Contains(line, "today") && !strings.Contains(line, "tomorrow") {
		t.Errorf("the end of what runs is not in %q", line)
	}
	// What failed, and how to send it again?
	tab.run("go to the dead letters", chromedp.Click(`#app-ops a[href="/dead?app=ops"]`), chromedp.WaitVisible(`form[action$="/replay"] button`))
	tab.awaitText("81013")
	tab.awaitText("gone")
	// Who did not get it?
	tab.run("open the message", chromedp.Navigate(url+"/messages/"+toParty.ID), chromedp.WaitVisible(`.facts`))
	tab.awaitText("Who may be missing")
}
