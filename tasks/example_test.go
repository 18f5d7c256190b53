package tasks_test

import (
	"fmt"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// An idempotency key gives the same id everywhere; any other id is new. Both say
// which app they belong to.
func ExampleIDFromKey() {
	id := tasks.IDFromKey("ops", "disk-full-db-03")
	app, err := tasks.AppOf(id)
	fmt.Println(id == tasks.IDFromKey("ops", "disk-full-db-03"), app, err)
	fmt.Println(len(tasks.NewID("ops")) == len(id))
	// Output:
	// true ops <nil>
	// true
}

func ExampleQueue() {
	for _, priority := range tasks.Priorities() {
		fmt.Println(tasks.Queue("ops", priority))
	}
	_, _, err := tasks.ParseQueue("ops:urgent")
	fmt.Println(err)
	// Output:
	// ops:critical
	// ops:default
	// ops:bulk
	// queue: "ops:urgent" is not <app>:<priority>
}

// The body travels as it is: what a worker posts is what the producer froze.
func ExampleEncode() {
	payload := tasks.Encode(tasks.Payload{
		ID: tasks.IDFromKey("ops", "disk-full-db-03"), App: "ops", Priority: tasks.Critical, Type: "text",
		Body:       []byte(`{"touser":"zhangsan","msgtype":"text","agentid":"","text":{"content":"93 % <b>full</b>"}}`),
		EnqueuedAt: time.UnixMilli(1796087580000),
	})
	fmt.Printf("%s\n", payload)

	read, err := tasks.Decode(tasks.TypeName("text"), payload)
	fmt.Printf("%s %s %v\n", read.Type, read.Body, err)
	// Output:
	// {"v":1,"id":"ops-02F4P0MP5XKY2T8SDNFC7T9Q2H","app":"ops","priority":"critical","enqueued_at":1796087580000,"body":{"touser":"zhangsan","msgtype":"text","agentid":"","text":{"content":"93 % <b>full</b>"}}}
	// text {"touser":"zhangsan","msgtype":"text","agentid":"","text":{"content":"93 % <b>full</b>"}} <nil>
}

// A message for 2500 users is sent in three calls. Its record tells the whole.
func ExampleMerge() {
	whole := tasks.Merge([]tasks.Record{
		{ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E", State: tasks.Accepted, Attempts: 1, Recipients: tasks.Recipients{Accepted: 1000}},
		{ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E.2", State: tasks.Rejected, Attempts: 1, ErrCode: 81013},
		{ID: "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E.3", State: tasks.Accepted, Attempts: 2, Recipients: tasks.Recipients{Accepted: 500}},
	})
	fmt.Println(whole.State, whole.ErrCode, whole.Recipients.Accepted, "accepted,", whole.Attempts, "attempts,", len(whole.Parts), "parts")
	// Output:
	// partial 81013 1500 accepted, 4 attempts, 3 parts
}
