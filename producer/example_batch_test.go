package producer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
)

// Every message of a batch is enqueued or refused by itself. A key makes the
// repeat of a message find the first one.
func ExampleProducer_SendBatch() {
	store, err := embedded.Start() // a Redis for this example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	rdb := redis.NewClient(&redis.Options{Addr: store.Addr()})
	defer func() { _ = rdb.Close() }()

	ops, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var messages []producer.Message
	for _, content := range []string{"Backup done", strings.Repeat("备", 700), "Backup done"} {
		messages = append(messages, producer.Message{
			Request: message.SendTextRequest{
				SendRequestCommon: &message.SendRequestCommon{ToTag: "3"},
				Text:              message.TextField{Content: content},
			},
			Options: producer.Options{IdempotencyKey: "backup-2026-12-01"},
		})
	}
	for _, result := range ops.SendBatch(context.Background(), messages) {
		switch _, unconfirmed := errors.AsType[*producer.RedisError](result.Err); {
		case unconfirmed:
			fmt.Println("try again:", result.Err)
		case result.Err != nil:
			fmt.Println("fix it:", result.Err)
		default:
			fmt.Println(result.Receipt.ID, "duplicate:", result.Receipt.Duplicate)
		}
	}
	// Output:
	// ops-6BPRQ8ZJX0GE8G4MEWW1G2RN3V duplicate: false
	// fix it: text.content: 2100 bytes, 52 more than WeCom's limit of 2048 (it would cut the rest silently)
	// ops-6BPRQ8ZJX0GE8G4MEWW1G2RN3V duplicate: true
}
