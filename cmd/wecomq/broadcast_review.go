package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/harmless"
)

// quotaCostText describes a broadcast's share of the day quota.
func quotaCostText(q broadcast.Quota) string {
	if q.DayQuota < 0 {
		return fmt.Sprintf("%d, the app has no limit", q.QuotaCost)
	}
	return fmt.Sprintf("%d of %d a day, %d used today", q.QuotaCost, q.DayQuota, q.UsedToday)
}

// printSamples prints messages as text, each after the name of a recipient.
func printSamples(out io.Writer, samples []broadcast.Sample) error {
	for _, s := range samples {
		if _, err := fmt.Fprintf(out, "\n%s gets:\n%s\n", s.Recipient, sampleText(s.Body)); err != nil {
			return err
		}
	}
	return nil
}

// sampleText is the content of a message if that is text, otherwise its JSON; indented, and without terminal
// control characters.
func sampleText(body json.RawMessage) string {
	var kind struct {
		MsgType string `json:"msgtype"`
	}
	members := map[string]json.RawMessage{}
	if json.Unmarshal(body, &kind) != nil || json.Unmarshal(body, &members) != nil {
		return "  " + harmless.Line(string(body))
	}
	var content struct {
		Content string `json:"content"`
	}
	var text string
	if json.Unmarshal(members[kind.MsgType], &content) == nil && content.Content != "" {
		text = content.Content
	} else {
		var indented bytes.Buffer
		_ = json.Indent(&indented, members[kind.MsgType], "", "  ") // valid JSON: it was parsed above
		text = indented.String()
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = "  " + harmless.Line(line)
	}
	return strings.Join(lines, "\n")
}
