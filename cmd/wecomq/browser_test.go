package main

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/wecomq/wecomq/internal/waittest"
)

// browser is a chromium that runs beside the test.
type browser struct {
	*testing.T
	ctx context.Context
}

// newBrowser starts Debian's chromium.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal("CI is set, so chromium must be installed (apt-get install chromium)")
	default:
		t.Skip("chromium is not installed: nobody has looked at the pages in a browser (apt-get install chromium)")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-back-forward-cache", true), // chromedp misses pages that are restored from it
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"), chromedp.WSURLReadTimeout(waittest.Patience),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	silent := func(string, ...any) {} // about events that this version does not know
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(silent), chromedp.WithLogf(silent))
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	t.Cleanup(cancel)
	return &browser{t, ctx}
}

// tab is a tab of a browser.
type tab struct {
	*testing.T
	ctx context.Context

	mu      sync.Mutex
	foreign []string // requests to other machines
	faults  []string // errors of scripts
}

// open opens a tab. It may only access this machine, and accepts all dialogs.
func (b *browser) open() *tab {
	b.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*waittest.Patience)
	b.Cleanup(cancel)
	t := &tab{T: b.T, ctx: ctx}
	chromedp.ListenTarget(ctx, t.hear)
	t.run("open a tab", network.Enable(), page.BringToFront(), chromedp.EmulateViewport(420, 900))
	b.Cleanup(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if len(t.foreign)+len(t.faults) > 0 {
			b.Errorf("the tab asked other machines for %q, and its scripts failed with %q", t.foreign, t.faults)
		}
	})
	return t
}

func (t *tab) hear(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !isHere(e.Request.URL) {
			t.foreign = append(t.foreign, e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		t.faults = append(t.faults, e.ExceptionDetails.Error())
	case *page.EventJavascriptDialogOpening:
		go func() { _ = chromedp.Run(t.ctx, page.HandleJavaScriptDialog(true)) }()
	}
}

func isHere(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "data" || u.Scheme == "about" {
		return err == nil
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// run runs actions in the tab; what describes them if they fail.
func (t *tab) run(what string, actions ...chromedp.Action) {
	t.Helper()
	for _, action := range actions {
		err := chromedp.Run(t.ctx, action)
		for isStale(err) {
			err = chromedp.Run(t.ctx, action)
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, t.text())
		}
	}
}

// isStale reports whether an element no longer existed when it was used: the page was loaded or refreshed since
// it was found. Nothing has been done to it then.
func isStale(err error) bool {
	return err != nil && strings.Contains(err.Error(), "Could not find node with given id")
}

// text is the visible text of the tab.
func (t *tab) text() string {
	var text string
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), waittest.Patience/4)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText`, &text)); err != nil {
		return err.Error()
	}
	return text
}

// awaitText waits until the tab shows a text.
func (t *tab) awaitText(want string) {
	t.Helper()
	waittest.Until(t.T, "the tab shows "+want, func() bool { return strings.Contains(t.text(), want) })
}

// js evaluates an expression, which may be a promise of a value.
func js[T any](t *tab, expression string) T {
	t.Helper()
	var value T
	t.run(expression, chromedp.Evaluate(expression, &value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
	return value
}

// login logs in, whoever was logged in before, and sees the overview.
func (t *tab) login(gateway, token string) {
	t.Helper()
	t.run("forget who it was", network.ClearBrowserCookies())
	t.run("log in", chromedp.Navigate(gateway+"/"), chromedp.WaitVisible(`input[name=token]`),
		chromedp.SendKeys(`input[name=token]`, token), chromedp.Click(`form.login button`), chromedp.WaitVisible(`#app-ops`))
}
