package daemon

import (
	"context"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/wecom"
)

// Level is the severity of a [Finding].
type Level string

// The levels.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Fault   Level = "error"
)

// Finding is one result of a check.
type Finding struct {
	Subject string `json:"subject"`
	Level   Level  `json:"level"`
	Text    string `json:"text"`
}

// Check checks the config and Redis, and with online fetches an access token for each
// app. It sends no message.
func (d *Deployment) Check(ctx context.Context, online bool) []Finding {
	findings := []Finding{{"config", OK, "apps: " + strings.Join(d.Config.AppNames(), ", ")}}
	for _, warning := range d.Config.Warnings {
		findings = append(findings, Finding{"config", Warning, warning})
	}
	findings = append(findings, checkTokens(d.Config.Gateway.Tokens, time.Now())...)
	findings = append(findings, checkGateway(d.Config.Gateway, time.Now())...)
	for _, weakness := range redisconn.Weaknesses(string(d.Config.Redis.URL)) {
		findings = append(findings, Finding{"redis", Warning, weakness})
	}
	if err := d.Ping(ctx); err != nil {
		return append(findings, Finding{"redis", Fault, err.Error()})
	}
	findings = append(findings, d.checkMasters(ctx)...)
	findings = append(findings, d.checkClock(ctx)...)
	if online {
		findings = append(findings, d.checkApps(ctx)...)
	}
	return findings
}

// checkClock compares this host's clock with that of Redis.
func (d *Deployment) checkClock(ctx context.Context) []Finding {
	clock := redisclock.New(d.rdb)
	if err := clock.Read(ctx); err != nil {
		return []Finding{{"clock", Warning, err.Error()}}
	}
	if complaint := clock.Complaint(); complaint != "" {
		return []Finding{{"clock", Warning, complaint}}
	}
	return nil
}

// checkApps checks the credentials of every app.
func (d *Deployment) checkApps(ctx context.Context) []Finding {
	var findings []Finding
	for _, app := range d.Apps() {
		client, err := d.plainClient(app, nil) // a shared token would prove nothing about the secret
		if err == nil {
			err = client.CheckToken(ctx)
		}
		f := Finding{"app " + app.Name, OK, "gettoken works"}
		if err != nil {
			f.Level, f.Text = Fault, wecom.WithHint(err)
		}
		findings = append(findings, f)
	}
	return findings
}
