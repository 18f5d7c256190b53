package worker_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// sendOne enqueues a message and runs a worker until the message is done with.
func sendOne(rdb redis.UniversalClient, baseURL string) error {
	client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: baseURL})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w, err := worker.New(worker.Config{
		Redis: rdb,
		Apps: []worker.App{{
			Name: "ops", AgentID: "1000002", Sender: client,
		}},
		OnSettled: func(r tasks.Record) {
			fmt.Println(r.State, r.Recipients.Accepted, r.Recipients.Invalid)
			stop()
		},
	})
	if err != nil {
		return err
	}
	ops, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		return err
	}
	_, err = ops.Send(ctx, message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "zhangsan|left.company"},
		Text:              message.TextField{Content: "Disk full on db-03"},
	}, producer.Options{})
	if err != nil {
		return err
	}
	return w.Run(ctx) // returns when ctx has ended and the calls in flight are done
}

func Example() {
	store, err := embedded.Start() // a Redis for this example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	rdb := redis.NewClient(&redis.Options{Addr: store.Addr()})
	defer func() { _ = rdb.Close() }()
	sim, err := wecomtest.New(wecomtest.Rules{Invisible: []string{"left.company"}}) // a WeCom for this example
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(sim)
	defer server.Close()

	if err := sendOne(rdb, server.URL); err != nil {
		fmt.Println(err)
	}
	// Output:
	// partial 1 [left.company]
}
