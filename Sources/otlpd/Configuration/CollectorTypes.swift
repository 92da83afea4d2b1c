// The component types of the Collector and its contrib distribution, to tell "not built here" from a misspelling.

/// Names as they stand in config files.
enum CollectorTypes {
  static let receivers = words(
    """
    active_directory_ds aerospike apache apachespark awscloudwatch awscontainerinsightreceiver
    awsecscontainermetrics awsfirehose awslambda awss3 awsxray azureblob azureeventhub azuremonitor bigip carbon
    chrony ciscoos cloudflare cloudfoundry collectd couchdb datadog docker_stats elasticsearch envoyals expvar
    faro filelog filestats flinkmetrics fluentforward github gitlab googlecloudmonitoring googlecloudpubsub
    googlecloudspanner haproxy hostmetrics httpcheck huaweicloudcesreceiver icmpcheckreceiver iis influxdb
    jaeger jmx journald k8s_cluster k8s_events k8sobjects kafka kafkametrics kubeletstats libhoney loki
    macosunifiedlogging memcached mongodb mongodbatlas mysql namedpipe netflow nginx nop nsxt opencensus
    oracledb osquery otelarrow otlpjsonfile podman_stats postgresql pprof prometheus prometheus_simple
    prometheusremotewrite pulsar purefa purefb rabbitmq receiver_creator redis redfish riak saphana sapm
    signalfx simpleprometheus skywalking snmp snowflake solace splunk_hec splunkenterprise sqlquery sqlserver
    sshcheck statsd stef syslog systemd tcpcheck tcplog tlscheck udplog vcenter wavefront webhookevent
    windowseventlog windowsperfcounters windowsservice yanggrpc zipkin zookeeper
    """)

  static let processors = words(
    """
    attributes coralogix cumulativetodelta datadogsemantics deltatocumulative deltatorate dnslookup filter geoip
    groupbyattrs groupbytrace interval isolationforest k8sattributes logdedup logstransform lookup
    metricsgeneration metricstarttime metricstransform probabilistic_sampler queuebatch redaction remotetap
    resource resourcedetection routing schema servicegraph span spanmetrics sumologic tail_sampling transform
    unroll
    """)

  static let exporters = words(
    """
    alertmanager alibabacloud_logservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azureblob
    azuredataexplorer azuremonitor bmchelix carbon cassandra clickhouse coralogix datadog dataset doris
    dynatrace elasticsearch faro googlecloud googlecloudpubsub googlemanagedprometheus honeycombmarker
    influxdb instana jaeger jaeger_thrift kafka kinetica loadbalancing logicmonitor logzio loki mezmo opencensus
    opensearch otelarrow prometheus prometheusremotewrite pulsar rabbitmq sapm sematext sentry
    signalfx splunk_hec stef sumologic syslog tencentcloud_logservice tinybird zipkin
    """)

  static let connectors = words(
    """
    count datadog exceptions failover forward grafanacloud metricsaslogs otlpjson roundrobin routing
    servicegraph signaltometrics slowsql spanmetrics sum
    """)

  static let extensions = words(
    """
    ack asapclient avro_log_encoding awscloudwatchmetricstreams_encoding awslogs_encoding awsproxy
    azure_encoding azureauth cfgarden_observer cgroupruntime datadog db_storage
    docker_observer ecs_observer ecs_task_observer file_storage googleclientauth googlecloudlogentry_encoding
    headers_setter health_check host_observer http_forwarder jaeger_encoding jaegerremotesampling
    json_log_encoding k8s_leader_elector k8s_observer kafkatopics_observer memory_ballast memory_limiter
    oidc opamp otlp_encoding pprof redis_storage remotetap sigv4auth skywalking_encoding
    solarwindsapmsettings sumologic text_encoding zipkin_encoding zpages
    """)

  private static func words(_ text: String) -> Set<String> {
    Set(text.split { $0.isWhitespace }.map(String.init))
  }
}
