
¬2 dropped: "Ã©"
