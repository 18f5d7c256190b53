package daemon

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/redisconn"
)

// checkMasters checks each Redis that has keys of ours.
func (d *Deployment) checkMasters(ctx context.Context) []Finding {
	url := string(d.Config.Redis.URL)
	masters, err := mastersOf(ctx, d.rdb, d.Config.AppNames())
	if err != nil {
		return []Finding{{"redis", Fault, redisconn.Explain(url, err).Error()}}
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var findings []Finding
	for _, m := range masters {
		if err := m.test(ctx, d.rdb, url); err != nil {
			findings = append(findings, Finding{m.subject(), Fault, err.Error()})
		}
		findings = append(findings, m.check(ctx)...)
	}
	return findings
}

func (m master) subject() string { return strings.TrimSpace("redis " + m.addr) }

// check compares the settings of a master with what a queue needs.
func (m master) check(ctx context.Context) []Finding {
	info, err := m.info(ctx)
	if err != nil {
		return []Finding{{m.subject(), Warning, fmt.Sprintf("INFO does not work (%v): settings are not checked", err)}}
	}
	findings := append([]Finding{checkVersion(info["redis_version"])}, checkPolicy(info["maxmemory_policy"])...)
	if info["aof_enabled"] != "1" {
		findings = append(findings, Finding{
			Level: Warning, Text: "appendonly is off: a crash of Redis loses messages and records. Set appendonly yes",
		})
	}
	if limit := info["maxmemory"]; limit == "0" {
		findings = append(findings, Finding{
			Level: Warning, Text: "maxmemory is not set: when memory runs out, the kernel kills Redis. Set it below the machine's memory",
		})
	}
	findings = append(findings, checkReplicas(info)...)
	findings = append(findings, m.checkMoves(ctx)...)
	for i := range findings {
		findings[i].Subject = m.subject()
	}
	return findings
}

// warnOfRedis logs why workers should not use this Redis, though they can.
func (d *Deployment) warnOfRedis(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	masters, err := mastersOf(ctx, d.rdb, d.Config.AppNames())
	if err != nil {
		return // workers wait until it is back
	}
	for _, m := range masters {
		info, err := m.info(ctx)
		if err != nil {
			d.log.Debug().Err(err).Str("redis", m.addr).Msg("version and settings of Redis are unknown")
			continue
		}
		for _, finding := range append(checkPolicy(info["maxmemory_policy"]), checkVersion(info["redis_version"])) {
			if finding.Level == Fault {
				d.log.Error().Str("redis", m.addr).Msg("Redis is misconfigured: " + finding.Text)
			}
		}
	}
}

// info returns what INFO says of the server.
func (m master) info(ctx context.Context) (map[string]string, error) {
	text, err := m.client.Info(ctx, "server", "memory", "persistence", "replication").Result()
	if err != nil {
		return nil, err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			info[name] = value
		}
	}
	return info, nil
}

// checkMoves reports slots of ours that are being migrated.
func (m master) checkMoves(ctx context.Context) []Finding {
	if m.addr == "" {
		return nil
	}
	nodes, err := m.client.ClusterNodes(ctx).Result()
	if err != nil {
		return nil // a user may lack this right
	}
	moving := movingSlots(nodes)
	var findings []Finding
	for _, key := range m.keys {
		slot, err := m.client.ClusterKeySlot(ctx, key).Result()
		if err == nil && slices.Contains(moving, slot) {
			findings = append(findings, Finding{Level: Warning, Text: fmt.Sprintf(
				"slot %d of %s is being moved: its app waits until that ends. If it was interrupted: redis-cli --cluster fix %s",
				slot, key[strings.Index(key, "{"):strings.Index(key, "}")+1], m.addr)})
		}
	}
	return findings
}

// movingSlots finds the slots that the node itself gives away, in its CLUSTER NODES:
// [77->-67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1].
func movingSlots(nodes string) []int64 {
	var moving []int64
	for line := range strings.Lines(nodes) {
		if !strings.Contains(line, "myself") {
			continue
		}
		for field := range strings.FieldsSeq(line) {
			slot, _, away := strings.Cut(strings.TrimPrefix(field, "["), "->-")
			if n, err := strconv.ParseInt(slot, 10, 64); away && err == nil {
				moving = append(moving, n)
			}
		}
	}
	return moving
}

// checkPolicy requires an eviction policy that drops nothing.
func checkPolicy(policy string) []Finding {
	if policy == "noeviction" {
		return nil
	}
	return []Finding{{Level: Fault, Text: fmt.Sprintf(
		"maxmemory-policy is %q: a full Redis would drop messages. Set maxmemory-policy noeviction", policy)}}
}

// checkReplicas requires that a primary with replicas refuses writes when none follows it. INFO counts the
// followers only if min-replicas-to-write is set.
func checkReplicas(info map[string]string) []Finding {
	_, required := info["min_slaves_good_slaves"]
	if replicas := info["connected_slaves"]; required || replicas == "" || replicas == "0" {
		return nil
	}
	return []Finding{{Level: Warning, Text: "min-replicas-to-write is 0: a failover can lose what was stored while no replica followed. " +
		"Set min-replicas-to-write 1; durability: replica in the config narrows the gap further"}}
}

// checkVersion requires Redis 6.2, or Valkey, which reports 7.2.4 at least.
func checkVersion(version string) Finding {
	var parts [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(parts) {
			parts[i], _ = strconv.Atoi(part) // 0, which is too old, if it is not a number
		}
	}
	if parts[0] < 6 || parts[0] == 6 && parts[1] < 2 {
		return Finding{Level: Fault, Text: fmt.Sprintf("version %q is older than 6.2", version)}
	}
	return Finding{Level: OK, Text: "version " + version}
}
