package producer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// alert stands word for word in the README.
func alert(ctx context.Context, rdb redis.UniversalClient) (producer.Receipt, error) {
	ops, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		return producer.Receipt{}, err
	}
	return ops.Send(ctx, message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "zhangsan|lisi"},
		Text:              message.TextField{Content: "Disk full on db-03"},
	}, producer.Options{Priority: tasks.Critical, ExpiresIn: time.Hour})
}

// A program needs a go-redis client of the Redis that the workers use.
func Example() {
	store, err := embedded.Start() // a Redis for this example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	rdb := redis.NewClient(&redis.Options{Addr: store.Addr()})
	defer func() { _ = rdb.Close() }()

	receipt, err := alert(context.Background(), rdb)
	fmt.Println(receipt.State, "in", receipt.Queue, err)
	// Output:
	// queued in ops:critical <nil>
}
