package producer

import (
	"slices"

	"github.com/wecomq/wecomq/message"
)

// Split divides recipients among as many calls as WeCom's limits require: 1000 users, 100 parties and 100
// tags each (90236). Duplicates are removed. Send calls it itself.
func Split(all message.Recipients) []message.Recipients {
	all = all.Unique()
	users := slices.Collect(slices.Chunk(all.Users, message.MaxUsers))
	parties := slices.Collect(slices.Chunk(all.Parties, message.MaxParties))
	tags := slices.Collect(slices.Chunk(all.Tags, message.MaxTags))
	parts := make([]message.Recipients, max(len(users), len(parties), len(tags)))
	for i := range parts {
		parts[i] = message.Recipients{Users: at(users, i), Parties: at(parties, i), Tags: at(tags, i)}
	}
	return parts
}

func at(chunks [][]string, i int) []string {
	if i < len(chunks) {
		return chunks[i]
	}
	return nil
}
