// Package redisconn opens Redis by URL: standalone, Sentinel, Cluster, unix
// socket, with or without TLS. Nothing that it prints, including errors, contains a
// password.
//
//	redis://[user:password@]host:port/db           rediss:// with TLS
//	unix://[user:password@]/path/to/socket?db=0
//	redis-sentinel://host:port/db?master_name=mymaster&addr=host2:port2
//	redis-cluster://[user:password@]host:port?addr=host2:port2
//
// rediss-sentinel:// and rediss-cluster:// use TLS. Sentinel's own password
// precedes the host; the servers' is in ?username=&password=.
// The query takes the options of go-redis, such as pool_size and read_timeout, and
// paths of files: password_file instead of a password, tls_ca_file for a private CA,
// tls_cert_file and tls_key_file for a client's certificate.
package redisconn
