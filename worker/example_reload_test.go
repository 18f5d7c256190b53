package worker_test

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/worker"
)

// A worker takes other apps, or other settings of theirs, while it runs. Nothing
// changes when one of them is wrong.
func ExampleWorker_Prepare() {
	sender, err := wecom.NewClient(wecom.Config{CorpID: "ww0123456789abcdef", Secret: "of the app"})
	if err != nil {
		fmt.Println(err)
		return
	}
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"}) // no call is made here
	defer func() { _ = rdb.Close() }()
	ops := worker.App{Name: "ops", AgentID: "1000002", Sender: sender}
	w, err := worker.New(worker.Config{Redis: rdb, Apps: []worker.App{ops}})
	if err != nil {
		fmt.Println(err)
		return
	}

	faster := ops
	faster.Concurrency = 32
	apply, err := w.Prepare([]worker.App{faster, {Name: "hr", AgentID: "1000003", Sender: sender}})
	if err != nil {
		fmt.Println(err)
		return
	}
	apply() // the calls in flight of the old lane end as they do

	_, err = w.Prepare([]worker.App{{Name: "Ops!", AgentID: "1000002", Sender: sender}})
	fmt.Println(err != nil)
	// Output: true
}
