package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// sentMark precedes the sending time, in ns, in the text of a message.
const sentMark = "sent at "

// sinceSent is how long ago a message was sent.
func sinceSent(body []byte) (time.Duration, bool) {
	_, rest, found := bytes.Cut(body, []byte(sentMark))
	digits, _, ended := bytes.Cut(rest, []byte("."))
	sent, err := strconv.ParseInt(string(digits), 10, 64)
	if !found || !ended || err != nil {
		return 0, false
	}
	return time.Duration(time.Now().UnixNano() - sent), true
}

// measureLatency prints the time from the call of Send to the call of WeCom, for a worker that is otherwise idle.
func (b bench) measureLatency(ctx context.Context, w io.Writer) error {
	_, _ = fmt.Fprintf(w, "From Send to the call of WeCom, %d messages one by one:\n\n| messages/s | p50 | p95 | p99 |\n|--:|--:|--:|--:|\n", b.probes)
	for _, rate := range []int{10, 300} {
		delays, err := b.latencyAt(ctx, rate)
		if err != nil {
			return fmt.Errorf("latency at %d a second: %w", rate, err)
		}
		slices.Sort(delays)
		of := func(share int) float64 { return ms(delays[(len(delays)-1)*share/100]) }
		_, _ = fmt.Fprintf(w, "| %d | %.1f ms | %.1f ms | %.1f ms |\n", rate, of(50), of(95), of(99))
	}
	return nil
}

// latencyAt sends messages at a rate, each after a random pause.
func (b bench) latencyAt(ctx context.Context, rate int) ([]time.Duration, error) {
	t, err := newTrial(ctx, b.settings, wayWecomq)
	if err != nil {
		return nil, err
	}
	defer t.close()
	p, err := producer.New(t.redis.Client, producer.Config{App: app})
	if err != nil {
		return nil, err
	}
	if err := t.startWorker(1); err != nil {
		return nil, err
	}
	for i := range 1 + b.probes {
		sent := ""
		if i > 0 { // the first one waits for the worker and its token
			if err := stage.Wait(ctx, time.Duration(rand.ExpFloat64()*float64(time.Second)/float64(rate))); err != nil { //nolint:gosec // no secret
				return nil, err
			}
			sent = sentMark + strconv.FormatInt(time.Now().UnixNano(), 10) + "."
		}
		user := fmt.Sprintf("user-%d", i)
		request := message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: user}, Text: message.TextField{Content: user + " " + sent}}
		if _, err := p.Send(ctx, request, producer.Options{}); err != nil {
			return nil, err
		}
		if i == 0 || i == b.probes {
			if _, err := t.awaitArrivals(ctx, 1+i); err != nil {
				return nil, err
			}
		}
	}
	all, err := t.awaitArrivals(ctx, 1+b.probes)
	return all.Delays, err
}

// awaitArrivals waits until n messages have arrived.
func (t *trial) awaitArrivals(ctx context.Context, n int) (arrived throughput, err error) {
	for arrived.Arrived < n && err == nil {
		if err = stage.GetJSON(ctx, t.url+"/moments", &arrived); err == nil {
			err = stage.Wait(ctx, stage.PollInterval)
		}
	}
	return arrived, err
}

// measureIdle prints the cost of a worker that has apps but no messages.
func (b bench) measureIdle(ctx context.Context, w io.Writer) error {
	t, err := newTrial(ctx, b.settings, wayWecomq)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.startWorker(b.idleApps); err != nil {
		return err
	}
	if err := stage.Wait(ctx, b.idleFor/2); err != nil { // the cost of the start is over
		return err
	}
	var commands, redisCPU float64
	var workerCPU time.Duration
	for _, sign := range []float64{-1, 1} {
		r, err := t.readRedis(ctx)
		if err != nil {
			return err
		}
		cpu, err := t.cpu()
		if err != nil {
			return err
		}
		commands, redisCPU, workerCPU = commands+sign*r.commands, redisCPU+sign*r.cpu, workerCPU+time.Duration(sign)*cpu
		if sign < 0 {
			if err := stage.Wait(ctx, b.idleFor); err != nil {
				return err
			}
		}
	}
	seconds := b.idleFor.Seconds()
	_, _ = fmt.Fprintf(w, "\nA worker of %d apps without messages, in %s: %.1f commands/s, %.2f %% of a processor, and %.2f %% of one for Redis\n",
		b.idleApps, b.idleFor, commands/seconds, 100*workerCPU.Seconds()/seconds, 100*redisCPU/seconds)
	return nil
}

// appConfigs are n apps, all with limits too high to matter.
func (t *trial) appConfigs(n int) map[string]any {
	all := map[string]any{}
	for i := range n {
		name := app
		if i > 0 {
			name += strconv.Itoa(i)
		}
		all[name] = map[string]any{
			"corp_id": wecomtest.CorpID, "agent_id": strconv.Itoa(wecomtest.AgentID + i), "secret": wecomtest.Secret,
			"api_base_url": t.url, "concurrency": t.concurrency, "limits": map[string]any{"calls_per_minute": farAway},
		}
	}
	return all
}
