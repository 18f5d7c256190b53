package producer_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// sendText puts a text into a queue of the example's own, once for each options, and
// says what became of it.
func sendText(common *message.SendRequestCommon, options ...producer.Options) string {
	store, err := embedded.Start() // a Redis for this example
	if err != nil {
		return err.Error()
	}
	defer store.Close()
	rdb := redis.NewClient(&redis.Options{Addr: store.Addr()})
	defer func() { _ = rdb.Close() }()
	ops, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		return err.Error()
	}
	var said strings.Builder
	for _, o := range options {
		receipt, err := ops.Send(context.Background(), message.SendTextRequest{
			SendRequestCommon: common, Text: message.TextField{Content: "Backup done"},
		}, o)
		_, _ = fmt.Fprintln(&said, receipt.State, receipt.Queue, "duplicate:", receipt.Duplicate, err)
	}
	return said.String()
}

func ExampleOptions_priority() {
	fmt.Print(sendText(&message.SendRequestCommon{ToParty: "2"}, producer.Options{Priority: tasks.Bulk}))
	// Output: queued ops:bulk duplicate: false <nil>
}

func ExampleOptions_delay() {
	fmt.Print(sendText(&message.SendRequestCommon{ToUser: "chen.li"}, producer.Options{Delay: time.Hour}))
	// Output: scheduled ops:default duplicate: false <nil>
}

// A message that is not sent in time is not sent at all.
func ExampleOptions_expiresIn() {
	fmt.Print(sendText(&message.SendRequestCommon{ToUser: "chen.li"}, producer.Options{ExpiresIn: 10 * time.Minute}, producer.Options{ExpiresIn: -time.Minute}))
	// Output:
	// queued ops:default duplicate: false <nil>
	//   duplicate: false expires_in: -1m0s is negative
}

// A repeat with the same key finds the first message.
func ExampleOptions_idempotencyKey() {
	key := producer.Options{IdempotencyKey: "backup-2026-12-01"}
	fmt.Print(sendText(&message.SendRequestCommon{ToUser: "chen.li"}, key, key))
	// Output:
	// queued ops:default duplicate: false <nil>
	// queued ops:default duplicate: true <nil>
}

// With WeCom's duplicate check the same bytes to the same people are one message.
func ExampleProducer_Send_duplicateCheck() {
	common := &message.SendRequestCommon{ToUser: "chen.li", EnableDuplicateCheck: 1, DuplicateCheckInterval: 600}
	fmt.Print(sendText(common, producer.Options{}, producer.Options{}))
	// Output:
	// queued ops:default duplicate: false <nil>
	// queued ops:default duplicate: true <nil>
}
