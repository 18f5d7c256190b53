package worker_test

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// The points of a message's life at which a victim stands still.
const (
	pointDequeued = "dequeued" // before the attempt is written down
	pointBegun    = "begun"    // it is written down, WeCom was not called
	pointCalled   = "called"   // WeCom was called and never answers
	pointTaken    = "taken"    // WeCom has the message, its answer is on the way
	pointAnswered = "answered" // the answer is here, and not written down
	pointSettled  = "settled"  // it is written down
	pointEnding   = "ending"   // the queue was not told
	pointAny      = "any"      // it does not stand still
)

// The apps of a victim, by what becomes of a message that WeCom may have taken.
var policies = map[string]worker.OnUnknown{
	"resend": worker.Resend, "park": worker.Park,
	"inside": worker.Park, "after": worker.Resend, // of the interval: the duplicate check overrules them
}

// victim is a worker process that tells on stdout of each message that has come to
// the point, and leaves it there.
func victim(point, socket, wecomURL string) {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	still := &standstill{point}
	rdb.AddHook(still)
	w, err := worker.New(worker.Config{Redis: rdb, Apps: mortals(rdb, wecomURL, still.app)})
	if err != nil {
		panic(err)
	}
	if err := w.Run(context.Background()); err != nil {
		panic(err)
	}
}

// mortals are the apps of a victim, and of the worker that comes after it.
func mortals(rdb redis.UniversalClient, wecomURL string, change func(*worker.App)) []worker.App {
	var apps []worker.App
	for name, policy := range policies {
		client, err := wecom.NewClient(wecom.Config{
			CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: wecomURL, Timeout: time.Minute,
			TokenStore: tokenstore.New(rdb, name, wecomtest.CorpID, wecomtest.Secret),
		})
		if err != nil {
			panic(err)
		}
		app := worker.App{
			Name: name, AgentID: strconv.Itoa(wecomtest.AgentID), Sender: client, OnUnknown: policy, Timeout: time.Minute,
			Ledger: ledger.New(rdb, name, time.Hour), Pacer: pacing.New(rdb, pacing.Config{App: name, RecordTTL: time.Hour}),
		}
		change(&app)
		apps = append(apps, app)
	}
	return apps
}

// standstill stops every handler at one point.
type standstill struct{ point string }

// at does not return from the victim's point.
func (s *standstill) at(point string) {
	if s.point == point {
		fmt.Println(point) //nolint:forbidigo // the parent reads it
		select {}
	}
}

func (s *standstill) app(a *worker.App) {
	a.Pacer = &stillPacer{a.Pacer, s}
	a.Sender = &stillSender{a.Sender, s}
	a.Ledger = &stillLedger{a.Ledger, s}
}

type stillPacer struct {
	worker.Pacer
	*standstill
}

func (p *stillPacer) Admit(ctx context.Context, a tasks.AdmissionRequest) (tasks.Admission, error) {
	p.at(pointDequeued)
	return p.Pacer.Admit(ctx, a)
}

type stillSender struct {
	worker.Sender
	*standstill
}

func (s *stillSender) Post(ctx context.Context, api string, body []byte, reply any) error {
	s.at(pointBegun)
	return s.Sender.Post(ctx, api, body, reply)
}

type stillLedger struct {
	worker.Ledger
	*standstill
}

func (l *stillLedger) Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error) {
	l.at(pointAnswered)
	record, err := l.Ledger.Settle(ctx, p, s)
	l.at(pointSettled)
	return record, err
}

// ProcessHook stands still before asynq moves a task to the finished ones.
func (s *standstill) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if isAcknowledgement(cmd) {
			s.at(pointEnding)
		}
		return next(ctx, cmd)
	}
}

// DialHook changes nothing.
func (s *standstill) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook changes nothing.
func (s *standstill) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
