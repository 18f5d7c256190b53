package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
// app and asks WeCom about it. It sends no message.
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
		f := Finding{Subject: "app " + app.Name}
		if err != nil {
			f.Level, f.Text = Fault, wecom.WithHint(err)
		} else {
			f.Level, f.Text = judgeAgent(client.Agent(ctx, app.AgentID))
		}
		findings = append(findings, f)
	}
	return findings
}

// judgeAgent judges WeCom's answer about an app whose secret is right. A proxy before WeCom may not know this
// API.
func judgeAgent(agent *wecom.Agent, err error) (Level, string) {
	const secret = "gettoken works"
	unanswered, _ := errors.AsType[*wecom.CallError](err)
	switch {
	case unanswered != nil && unanswered.Status == http.StatusNotFound:
		return Warning, secret + "; agentid and trusted IP are not proven: " + err.Error()
	case err != nil:
		return Fault, wecom.WithHint(err)
	case agent.Disabled:
		return Fault, fmt.Sprintf("%q is disabled: enable it in the admin console", agent.Name)
	case agent.Users+agent.Departments+agent.Tags == 0:
		return Warning, fmt.Sprintf("%s, but %q may send to nobody: set its visible range (可见范围) in the admin console", secret, agent.Name)
	}
	return OK, fmt.Sprintf("%s, and agent_id and trusted IP are right: %q may send to %d members, %d departments and %d tags",
		secret, agent.Name, agent.Users, agent.Departments, agent.Tags)
}
