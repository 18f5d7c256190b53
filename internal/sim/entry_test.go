package sim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

const (
	gatewayToken = "wecomq_of-the-simulation"
	// maxRepeats limits how often an unconfirmed send is repeated.
	maxRepeats = 50
	// requestTime limits a request to the gateway.
	requestTime = 10 * time.Second
)

var errUnconfirmed = errors.New("not confirmed")

// entry is where messages come in: a producer, and a gateway that uses it. Both reach Redis over a network with
// faults, and so do the gateway's clients.
type entry struct {
	*world
	producers map[string]*producer.Producer
	client    *http.Client
}

// newEntry opens both, until closeAll is called.
func (w *world) newEntry(p plan) (e *entry, closeAll func()) {
	toRedis, toGateway := newNetwork(p.replies), newNetwork(p.responses)
	rdb := w.client(toRedis, nil)
	e = &entry{world: w, producers: map[string]*producer.Producer{}}
	settings := gateway.Settings{Tokens: []config.Token{{
		Name: "sim", SHA256: sha256.Sum256([]byte(gatewayToken)), Apps: appNames[:], Scopes: []config.Scope{config.ScopeSend},
	}}}
	for _, app := range appNames {
		made, err := producer.New(rdb, producer.Config{App: app})
		w.must(err)
		e.producers[app] = made
		settings.Apps = append(settings.Apps, gateway.App{Name: app, CorpID: corpID, AgentID: agentID(app)})
	}
	handler, err := gateway.New(gateway.Config{Services: gateway.Services{Queue: e, Records: e}, Settings: settings})
	w.must(err)
	door := newListener()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(door) }()
	transport := &http.Transport{DialContext: toGateway.dialer(false, door.dial)}
	e.client = &http.Client{Transport: transport, Timeout: requestTime}
	return e, func() {
		transport.CloseIdleConnections()
		toGateway.sever()
		_ = server.Close()
		_ = rdb.Close()
		toRedis.sever()
	}
}

// Enqueue implements [gateway.Queue].
func (e *entry) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	results := e.producers[app].SendBatch(ctx, messages)
	for i := range results {
		if err := results[i].Err; err != nil {
			results[i].Err = fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
		}
	}
	return results
}

// Record implements [gateway.Records].
func (e *entry) Record(ctx context.Context, app, id string) (tasks.Record, error) {
	return lookup.New(e.own, app, e.ledger(app)).Message(ctx, id)
}

// send sends a message until it is confirmed.
func (e *entry) send(s send) confirmed {
	asked, attempt := time.Now(), e.produce
	if s.overHTTP {
		attempt = e.request(s)
	}
	for range maxRepeats {
		id, err := attempt(s)
		if errors.Is(err, errUnconfirmed) {
			pass(time.Second)
			continue
		}
		e.must(err)
		return confirmed{send: s, id: id, askedAt: asked, enqueuedAt: time.Now()}
	}
	e.Fatalf("%q was not confirmed in %d tries", s.text, maxRepeats)
	return confirmed{}
}

// body is the message of a send.
func (s send) body() message.SendTextRequest {
	m := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: strings.Join(s.users, "|")}, Text: message.TextField{Content: s.text},
	}
	if s.checked {
		m.EnableDuplicateCheck, m.DuplicateCheckInterval = 1, message.MaxDuplicateCheckInterval
	}
	return m
}

// produce sends it with the producer.
func (e *entry) produce(s send) (id string, err error) {
	receipt, err := e.producers[s.app].Send(context.Background(), s.body(), s.options)
	if _, lost := errors.AsType[*producer.RedisError](err); lost {
		err = errUnconfirmed
	}
	return receipt.ID, err
}

// request sends it to the gateway, identical in each attempt.
func (e *entry) request(s send) func(send) (id string, err error) {
	due := ""
	if s.options.Delay > 0 {
		due = e.timeOfRedis().Add(s.options.Delay).Format(time.RFC3339Nano)
	}
	expires := ""
	if s.options.ExpiresIn > 0 {
		expires = s.options.ExpiresIn.String()
	}
	body, err := json.Marshal(struct {
		message.SendTextRequest
		MsgType   string         `json:"msgtype"`
		App       string         `json:"app"`
		Priority  tasks.Priority `json:"priority"`
		ProcessAt string         `json:"process_at,omitempty"`
		ExpiresIn string         `json:"expires_in,omitempty"`
	}{SendTextRequest: s.body(), MsgType: "text", App: s.app, Priority: s.options.Priority, ProcessAt: due, ExpiresIn: expires})
	e.must(err)
	return func(s send) (string, error) { return e.post(body, s.options.IdempotencyKey) }
}

// post makes one request. Without a response it may be repeated.
func (e *entry) post(body []byte, key string) (id string, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://gateway/v1/messages", bytes.NewReader(body))
	e.must(err)
	r.Header.Set("Authorization", "Bearer "+gatewayToken)
	r.Header.Set("Idempotency-Key", key)
	response, err := e.client.Do(r)
	if err != nil {
		return "", errUnconfirmed
	}
	defer func() { _ = response.Body.Close() }()
	var receipt gateway.Receipt
	switch {
	case response.StatusCode == http.StatusServiceUnavailable:
		return "", errUnconfirmed
	case response.StatusCode != http.StatusAccepted:
		return "", fmt.Errorf("the gateway answers %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&receipt); err != nil {
		return "", errUnconfirmed
	}
	return receipt.ID, nil
}
