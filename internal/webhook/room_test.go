package webhook_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

// shown returns all visible text of a message, in the order of its JSON.
func shown(tb testing.TB, n webhook.Notification, kind message.Type) string {
	tb.Helper()
	rendered, err := newRenderer(tb, webhook.DefaultConfig()).RenderStrictly(n, kind)
	if err != nil {
		tb.Fatal(err)
	}
	if card, isCard := rendered.Request.(message.SendTextCardRequest); isCard {
		return card.TextCard.Title + "\n" + card.TextCard.Description
	}
	text := textOf(rendered.Request)
	if card, isCard := rendered.Request.(message.SendTemplateCardRequest); isCard {
		text = card.TemplateCard.MainTitle.Desc + "\n" + text
		for _, row := range card.TemplateCard.HorizontalContentList {
			text += "\n" + row.KeyName + ": " + row.Value
		}
	}
	return text
}

// crowd returns this number of alerts that differ as change sets.
func crowd(alerts int, change func(i int, a webhook.Alert)) webhook.Notification {
	n := webhook.Notification{ExternalURL: "http://am.example:9093"}
	for i := range alerts {
		a := webhook.Alert{
			Status: webhook.Firing, Fingerprint: strconv.Itoa(i), StartsAt: time.Unix(1764295201, 0),
			Labels:      map[string]string{"alertname": "QueueFull", "severity": "critical", "instance": "10.0.0.9:8080", "job": "ksm", "zone": "a"},
			Annotations: map[string]string{"summary": "the queue is full", "description": strings.Repeat("d", 100)},
		}
		change(i, a)
		n.Alerts = append(n.Alerts, a)
	}
	return n
}

func TestOneAlertKeepsWhatMatters(t *testing.T) {
	t.Parallel()
	for _, status := range []webhook.Status{webhook.Firing, webhook.Resolved} {
		n := crowd(1, func(_ int, a webhook.Alert) {
			for i := range 6 {
				a.Annotations[fmt.Sprint("note", i)] = strings.Repeat("n", 58)
			}
		})
		n.Alerts[0].Status = status
		for _, kind := range webhook.Types() {
			t.Run(fmt.Sprint(status, " as ", kind), func(t *testing.T) {
				t.Parallel()
				text := shown(t, n, kind)
				for _, want := range []string{"critical", "the queue is full", "2025-11-28 10:00:01 +08:00", "dddddddddd", "instance", "10.0.0.9:8080"} {
					if !strings.Contains(text, want) {
						t.Errorf("no %q in %s", want, text)
					}
				}
				if all := strings.Count(text, ": nnn") == 6 && strings.Contains(text, "zone"); !all && !strings.Contains(text, "还有 ") {
					t.Errorf("what is left out is not counted: %s", text)
				}
				if !strings.Contains(text, "note0: nnnnn") || strings.Index(text, "critical") > strings.Index(text, "the queue is full") {
					t.Errorf("what is first does not stand first: %s", text)
				}
			})
		}
	}
}

func TestEveryGroupSaysHowSevereItIs(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]webhook.Notification{
		"5": crowd(5, func(int, webhook.Alert) {}), "8": crowd(8, func(int, webhook.Alert) {}), "60": crowd(60, func(int, webhook.Alert) {}),
		"3 of 60": crowd(3, func(int, webhook.Alert) {}),
	} {
		if name == "3 of 60" {
			n.Truncated = 57
		}
		for _, kind := range webhook.Types() {
			t.Run(name+" as "+string(kind), func(t *testing.T) {
				t.Parallel()
				text := shown(t, n, kind)
				if at := strings.Index(text, "critical"); at < 0 || at > strings.Index(text, "the queue is full") {
					t.Errorf("severity does not stand first: %s", text)
				}
			})
		}
	}
}

func TestEveryAlertOfAnotherSeveritySaysIt(t *testing.T) {
	t.Parallel()
	n := crowd(12, func(i int, a webhook.Alert) {
		a.Labels["severity"] = []string{"critical", "warning"}[i/2%2]
		a.Annotations["summary"] = fmt.Sprint("full-", i)
	})
	for _, kind := range webhook.Types() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			text, seen := shown(t, n, kind), 0
			for i := range 12 {
				before, _, is := strings.Cut(text, fmt.Sprintf("full-%d", i))
				want := []string{"critical", "warning"}[i/2%2]
				if is && !strings.Contains(before[max(0, len(before)-len(want)-12):], want) {
					t.Errorf("full-%d does not say that it is %s: %s", i, want, before)
				}
				if is {
					seen++
				}
			}
			if seen < 4 {
				t.Errorf("%d alerts are shown", seen)
			}
		})
	}
}

func TestACardShowsDescriptionAndAnnotations(t *testing.T) {
	t.Parallel()
	n := crowd(1, func(_ int, a webhook.Alert) {
		a.Annotations["description"], a.Annotations["impact"], a.Annotations["value"] = "no order is taken", "the shop is closed", "98%"
	})
	text := shown(t, n, message.TypeTemplateCard)
	for _, want := range []string{"● [critical] the queue is full\nno order is taken", "impact: the shop is closed", "value: 98%", "instance: 10.0.0.9:8080"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	field, err := webhook.Parse(sample(t, "field/unnamed-annotations.json"))
	if err != nil {
		t.Fatal(err)
	}
	text = shown(t, field, message.TypeTemplateCard)
	if !strings.Contains(text, "The disk sdb2 is running full, 98% used") || !strings.Contains(text, "value: 98%") {
		t.Errorf("an unnamed annotation is lost: %s", text)
	}
}

func TestWhatIsLeftOutOfACardIsCountedOnce(t *testing.T) {
	t.Parallel()
	n := crowd(1, func(_ int, a webhook.Alert) {
		for i := range 80 {
			a.Annotations[fmt.Sprintf("note%02d", i)] = "n"
		}
	})
	// 5 of 80 annotations and 3 labels have a row.
	if text := shown(t, n, message.TypeTemplateCard); !strings.HasSuffix(text, "note03: n\n其他: …还有 78 项") {
		t.Errorf("card %s", text)
	}
}

// All have the instance of the exporter that monitors them.
func TestAGroupIsNamedByWhatTellsItsAlertsApart(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"pod", "queue"} {
		n := crowd(60, func(i int, a webhook.Alert) {
			a.Labels[label] = fmt.Sprintf("orders-%02d", i)
			a.Labels["a"] = strconv.Itoa(i % 2)
			a.Labels["b"], a.Labels["c"] = strconv.Itoa(i%3), strconv.Itoa(i%4)
		})
		for kind, want := range map[message.Type]int{message.TypeMarkdown: 55, message.TypeText: 55, message.TypeTextCard: 15, message.TypeTemplateCard: 4} {
			t.Run(label+" in "+string(kind), func(t *testing.T) {
				t.Parallel()
				text, named := shown(t, n, kind), 0
				for i := range 60 {
					if strings.Contains(text, fmt.Sprintf("orders-%02d", i)) {
						named++
					}
				}
				if named < want {
					t.Errorf("%d of 60 are named, want %d: %s", named, want, text)
				}
			})
		}
	}
}
