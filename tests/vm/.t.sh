mount | grep -vE 'cgroup' ; ls /; nproc; free -m
f=/usr/lib/jvm/java-17-openjdk-amd64/lib/modules; ls -la $f
echo overlay; dd if=$f of=/dev/null bs=1M 2>&1 | tail -1; dd if=$f of=/dev/null bs=1M 2>&1 | tail -1
echo direct9p; echo 3 >/proc/sys/vm/drop_caches;  dd if=/run/host$f of=/dev/null bs=1M 2>&1 | tail -1; dd if=/run/host$f of=/dev/null bs=1M 2>&1 | tail -1
echo 3 >/proc/sys/vm/drop_caches; echo overlay again;  dd if=$f of=/dev/null bs=1M 2>&1 | tail -1
time java -version
time java -version
time python3 -c 'import json,ssl,asyncio'
time find /usr/share -name x | wc -l
time find /run/host/usr/share -name x | wc -l
dd if=/dev/zero of=/scratch/x bs=1M count=200 oflag=direct 2>&1 | tail -1
dd if=/scratch/x of=/dev/null bs=1M iflag=direct 2>&1 | tail -1
dmesg | grep -iE '9p|overlay' 
