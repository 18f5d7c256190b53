package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/sandbox"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// serveDev serves with an embedded environment.
func (g *globals) serveDev(ctx context.Context, listen string) error {
	s, err := sandbox.New(ctx, wecomtest.Rules{})
	if err != nil {
		return err
	}
	defer s.Close()
	token := rand.Text()
	s.Config.Gateway.Tokens = []config.Token{devToken(token)}
	deployment, err := daemon.Open(ctx, s.Config, g.options("info", ""))
	if err != nil {
		return err
	}
	defer deployment.Close()
	d, err := daemon.New(ctx, deployment, daemon.Config{
		Gateway: true, Worker: true, Listen: listen,
		Hangup: g.hangup, Load: func() (*config.Config, error) { return s.Config, nil },
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(g.stderr, devText, d.Addr(), token, s.RedisURL(), s.URL(), wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret)
	return serveSandbox(ctx, s, d, func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
}

const devText = `wecomq serve --dev: gateway, worker, Redis and a simulated WeCom, all in this process.

  gateway:    http://%[1]s  (in a browser: log in with the token; its API: http://%[1]s/docs)
  token:      %[2]s
  redis:      %[3]s
  simulator:  %[4]s  (in a browser: what arrived)

Send a message, and see it arrive:

  curl -H 'Authorization: Bearer %[2]s' http://%[1]s/v1/messages \
    -d '{"touser":"zhangsan","msgtype":"text","text":{"content":"hello"}}'
  curl '%[4]s/admin/messages?limit=5'

Or with wecomq, in a second terminal:

  export REDIS_URL=%[3]s WECOM_API_BASE_URL=%[4]s
  export WECOM_CORP_ID=%[5]s WECOM_AGENT_ID=%[6]d WECOM_SECRET=%[7]s
  wecomq send --to-user zhangsan --text hello --wait

Clients of WeCom use: base URL http://%[1]s, corpid %[5]s,
agentid %[6]d, corpsecret %[2]s

`

// devToken has all permissions.
func devToken(secret string) config.Token {
	return config.Token{
		Name: "dev", SHA256: sha256.Sum256([]byte(secret)), Apps: []string{config.DefaultApp},
		Scopes: config.Scopes(),
	}
}
