package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// scene is one message of the demo, with its expected outcome.
type scene struct {
	title   string
	request message.Request
	options tasks.Options
	trouble func(*wecomtest.Simulator) error // happens just before it is enqueued
	want    tasks.State
	calls   int // that arrive
}

// scenes are one message of every type, then those that meet faults.
func scenes() ([]scene, error) {
	var all []scene
	for _, sample := range samples.Messages() {
		request, err := message.Parse([]byte(sample))
		if err != nil {
			return nil, fmt.Errorf("sample of the demo: %w", err)
		}
		all = append(all, scene{title: "type " + typeTitle(request), request: request, want: tasks.Accepted, calls: 1})
	}
	alert := tasks.Options{Priority: tasks.Critical, ExpiresIn: time.Hour}
	return append(all,
		scene{
			title: "broadcast to 2,500 members: three calls", request: text(strings.Join(members(2500), "|"), "Office closes at 18:00 today"),
			options: tasks.Options{Priority: tasks.Bulk}, want: tasks.Accepted, calls: 3,
		},
		scene{
			title: "alert, one of its recipients has left", request: text("chen.li|"+Absent, "Disk full on db-03"),
			options: alert, want: tasks.Partial, calls: 1,
		},
		scene{
			title: "alert that meets an expired access token", request: text("chen.li", "Replica lag 95 s on db-04"),
			options: alert, want: tasks.Accepted, calls: 1, trouble: expireTokens,
		},
		scene{
			title: "alert that meets a rate limit (45009)", request: text("chen.li", "Error rate 12 % on api-01"),
			options: alert, want: tasks.Accepted, calls: 1, trouble: limitRate("Error rate"),
		},
	), nil
}

func text(to, content string) message.Request {
	return message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: content},
	}
}

func members(n int) []string {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("user%04d", i)
	}
	return users
}

func expireTokens(sim *wecomtest.Simulator) error {
	sim.ExpireTokens()
	return nil
}

func limitRate(content string) func(*wecomtest.Simulator) error {
	return func(sim *wecomtest.Simulator) error {
		return sim.AddFault(wecomtest.Fault{
			API: message.APISend, Match: &wecomtest.Match{Content: content}, ErrCode: 45009, Times: 1,
		})
	}
}

func typeTitle(request message.Request) string {
	if card, ok := request.(message.SendTemplateCardRequest); ok {
		return fmt.Sprintf("%s, %s", request.Type(), card.TemplateCard.CardType)
	}
	return string(request.Type())
}
