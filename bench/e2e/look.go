package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// looks is how often each page is opened.
const looks = 5

// observation is what a gateway with a worker costs those who look at it.
type observation struct {
	ready                              time.Duration // from the start of the process
	memory                             int64         // bytes, the most so far
	overview, dashboard, metrics, list time.Duration
}

// observe starts a gateway with a worker for this number of apps, and looks at it.
func (b bench) observe(ctx context.Context, apps int) (o observation, err error) {
	t, err := newTrial(ctx, b.settings, wayWecomq)
	if err != nil {
		return o, err
	}
	defer t.close()
	token := rand.Text()
	gateway, err := freeAddress(ctx)
	if err != nil {
		return o, err
	}
	if err := t.writeServeConfig(apps, gateway, token); err != nil {
		return o, err
	}
	site := "http://" + gateway
	if o.ready, err = t.serve(ctx, site); err != nil {
		return o, err
	}
	browser, err := logIn(ctx, site, token)
	if err != nil {
		return o, err
	}
	for path, took := range map[string]*time.Duration{"/": &o.overview, "/dashboard/api/queues": &o.dashboard, "/metrics": &o.metrics} {
		if *took, err = medianOf(func() error { return open(ctx, browser, site+path) }); err != nil {
			return o, err
		}
	}
	o.list, err = medianOf(func() error {
		list, err := stage.Start(t.wecomq, nil, "-c", t.configFile(), "app", "ls")
		if err == nil {
			_, err = list.AwaitEnd(ctx, func() {})
		}
		return err
	})
	o.memory = t.running[0].PeakMemory()
	return o, err
}

func (t *trial) configFile() string { return filepath.Join(t.dir, "wecomq.yaml") }

func (t *trial) writeServeConfig(apps int, gateway, token string) error {
	config := t.config(apps)
	hash := sha256.Sum256([]byte(token))
	config["gateway"] = map[string]any{"listen": gateway, "public_url": "http://" + gateway, "tokens": []any{map[string]any{
		"name": "bench", "sha256": hex.EncodeToString(hash[:]), "apps": slices.Collect(maps.Keys(t.appConfigs(apps))), "scopes": []string{"read"},
	}}}
	return stage.WriteJSON(t.configFile(), config)
}

// serve starts the gateway, and returns the time until it is ready.
func (t *trial) serve(ctx context.Context, site string) (time.Duration, error) {
	began := time.Now()
	if err := t.start(t.wecomq, "serve", "-c", t.configFile()); err != nil {
		return 0, err
	}
	for {
		if _, err := stage.Get(ctx, site+"/readyz"); err == nil {
			return time.Since(began), nil
		}
		if err := t.alive(); err != nil {
			return 0, err
		}
		if err := stage.Wait(ctx, stage.PollInterval); err != nil {
			return 0, err
		}
	}
}

// logIn returns a client with a session of the pages.
func logIn(ctx context.Context, site, token string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: refuseLogin}
	form := url.Values{"token": {token}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, site+"/login", strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = stage.Fetch(browser, request)
	return browser, err
}

// open opens a page.
func open(ctx context.Context, browser *http.Client, page string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return err
	}
	_, err = stage.Fetch(browser, request)
	return err
}

// refuseLogin is for a client that has a session: it ends at a redirect to the login.
func refuseLogin(next *http.Request, _ []*http.Request) error {
	if next.URL.Path == "/login" {
		return errors.New("the session is not valid")
	}
	return nil
}

// medianOf is the median duration of some calls.
func medianOf(look func() error) (time.Duration, error) {
	times := make([]time.Duration, looks)
	for i := range times {
		began := time.Now()
		if err := look(); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[looks/2], nil
}
