
send hex ids